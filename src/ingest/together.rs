//! Awaits many writes at once, so that the store can make them durable together.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

enum Slot<F: Future> {
    UnderWay(Pin<Box<F>>),
    Ended(F::Output),
}

impl<F: Future> Slot<F> {
    fn output(self) -> Option<F::Output> {
        match self {
            Self::Ended(output) => Some(output),
            Self::UnderWay(_) => None,
        }
    }
}

/// What the futures give, in their order. They begin in their order too, `at_once` of them under way.
pub(super) async fn together<F>(at_once: usize, futures: Vec<F>) -> Vec<F::Output>
where
    F: Future,
    F::Output: Unpin,
{
    let mut futures = futures.into_iter();
    let mut outputs = Vec::new();
    loop {
        let mut slots: Vec<Slot<F>> = futures
            .by_ref()
            .take(at_once.max(1))
            .map(|future| Slot::UnderWay(Box::pin(future)))
            .collect();
        if slots.is_empty() {
            return outputs;
        }
        poll_fn(|context| {
            let mut all = Poll::Ready(());
            for slot in &mut slots {
                if let Slot::UnderWay(future) = slot {
                    match future.as_mut().poll(context) {
                        Poll::Ready(output) => *slot = Slot::Ended(output),
                        Poll::Pending => all = Poll::Pending,
                    }
                }
            }
            all
        })
        .await;
        outputs.extend(slots.into_iter().filter_map(Slot::output));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn outputs_come_in_the_order_of_the_futures() {
        let (open, gate) = tokio::sync::oneshot::channel();
        let mut gates = vec![Some(gate)];
        gates.resize_with(10, || None);
        let mut open = Some(open);
        let futures = gates.into_iter().enumerate().map(|(at, gate)| {
            // The second one opens the gate of the first.
            let open = if at == 1 { open.take() } else { None };
            async move {
                if let Some(open) = open {
                    open.send(()).unwrap();
                }
                if let Some(gate) = gate {
                    gate.await.unwrap();
                }
                at
            }
        });
        let outputs = together(4, futures.collect()).await;
        assert_eq!(outputs, (0..10).collect::<Vec<_>>());
    }
}
