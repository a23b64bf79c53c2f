//! What lines mean, and what is wrong with those that mean nothing.

use super::*;

fn metric(line: &str) -> Result<(f64, Option<i64>, Option<i64>), NoEvent> {
    parse(line.as_bytes(), |event| match event {
        Event::Metric(metric) => (metric.value, metric.step, metric.timestamp),
        other => panic!("not a metric: {other:?}"),
    })
}

fn complaint(line: &str) -> String {
    match parse(line.as_bytes(), |event| format!("{event:?}")) {
        Ok(event) => panic!("{line} was taken as {event}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_lines_of_the_product_page_are_read() {
    let run = r#"{"event":"run","run_id":"r1","experiment":"fraud","name":"lgbm","params":{"lr":"0.1"},"tags":{}}"#;
    parse(run.as_bytes(), |event| {
        let Event::Run(run) = event else {
            panic!("not a run: {event:?}")
        };
        assert_eq!(run.run_id.as_deref(), Some("r1"));
        assert_eq!(run.experiment.as_deref(), Some("fraud"));
        assert_eq!(run.params, [("lr".to_owned(), "0.1".to_owned())]);
        assert!(
            matches!(run.run_id, Some(Cow::Borrowed(_))),
            "it was copied"
        );
    })
    .unwrap();
    let line = r#"{"event":"metric","run_id":"r1","key":"loss","value":0.31,"step":10,"timestamp":1760000000000}"#;
    assert_eq!(
        metric(line).unwrap(),
        (0.31, Some(10), Some(1_760_000_000_000))
    );
    parse(
        br#"{"event":"end","run_id":"r1","status":"COMPLETED"}"#,
        |event| {
            assert!(
                matches!(event, Event::End { status: Some(status), .. } if status == "COMPLETED")
            );
        },
    )
    .unwrap();
}

#[test]
fn values_that_are_no_numbers_have_words() {
    let value = |written: &str| {
        metric(&format!(
            r#"{{"event":"metric","key":"NaN","value":{written}}}"#
        ))
    };
    for nan in ["NaN", r#""NaN""#, r#""nan""#] {
        assert!(value(nan).unwrap().0.is_nan(), "{nan}");
    }
    for (written, expected) in [
        ("Infinity", f64::INFINITY),
        (r#""-Infinity""#, f64::NEG_INFINITY),
        ("-Infinity", f64::NEG_INFINITY),
        ("3", 3.0),
        ("-0.5e-3", -0.0005),
    ] {
        assert_eq!(
            value(written).unwrap().0.to_bits(),
            f64::to_bits(expected),
            "{written}"
        );
    }
    for wrong in [r#""0.5""#, "true", "null", "[]", "1e400", r#""high""#] {
        assert!(value(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn steps_are_whole_numbers() {
    let step = |written: &str| {
        metric(&format!(
            r#"{{"event":"metric","key":"k","value":1,"step":{written}}}"#
        ))
    };
    for (written, expected) in [
        ("7", Some(7)),
        ("-7", Some(-7)),
        ("10.0", Some(10)),
        ("null", None),
    ] {
        assert_eq!(step(written).unwrap().1, expected, "{written}");
    }
    for wrong in [
        "1.5",
        "1e400",
        "1e300",
        "NaN",
        r#""7""#,
        "9223372036854775808",
        "true",
    ] {
        assert!(step(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn timestamps_may_have_a_fraction() {
    let line = r#"{"event":"metric","key":"k","value":1,"timestamp":1760000000000.75}"#;
    assert_eq!(metric(line).unwrap().2, Some(1_760_000_000_000));
}

#[test]
fn a_bad_line_says_what_is_wrong() {
    for (line, expected) in [
        ("epoch 1", "not JSON"),
        (r#"{"event":"metric","#, "not JSON: EOF"),
        ("[1]", "no field 'event'"),
        (r#"{"step":1.5,"loss":[2]}"#, "no field 'event'"),
        (r#"{"event":"request done","step":1.5}"#, "is not an event"),
        (r#"{"key":"loss"}"#, "no field 'event'"),
        (r#"{"event":"metrics"}"#, "'metrics' is not an event"),
        (r#"{"event":"metric","value":1}"#, "a metric needs a 'key'"),
        (
            r#"{"event":"metric","key":"k"}"#,
            "a metric needs a 'value'",
        ),
        (
            r#"{"event":"metric","key":"k","value":1,"step":1.5}"#,
            "expected a whole number as step",
        ),
        (
            r#"{"event":"metric","key":"k","value":1,"value":2}"#,
            "duplicate field `value`",
        ),
        (
            r#"{"event":"artifact","path":"m","size":1,"digest":"abc"}"#,
            "64 hexadecimal digits",
        ),
        (
            r#"{"event":"artifact","size":1}"#,
            "an artifact needs a 'path'",
        ),
        (
            r#"{"event":"run","params":{"lr":[1]}}"#,
            "invalid type: sequence",
        ),
    ] {
        let told = complaint(line);
        assert!(told.contains(expected), "{line}: {told}");
        assert!(!told.contains("line 1"), "{told}");
    }
    assert!(
        parse(
            b"{\"event\":\"metric\",\"key\":\"\xff\",\"value\":1}",
            |_| ()
        )
        .is_err()
    );
}

#[test]
fn params_keep_what_was_written() {
    let line = br#"{"event":"run","params":{"lr":0.1,"n":64,"bias":true,"opt":"adam","eps":1e-8}}"#;
    parse(line, |event| {
        let Event::Run(run) = event else { panic!() };
        let values: Vec<&str> = run.params.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["0.1", "64", "true", "adam", "1e-8"]);
    })
    .unwrap();
}
