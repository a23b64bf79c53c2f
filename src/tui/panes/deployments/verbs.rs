//! What can be done with a deployment: made, made to serve, ended, rolled back, changed.

use super::short;
use crate::domain::{
    Deployment, DeploymentId, DeploymentStatus, Endpoint, Environment, HealthCheck, HealthProtocol,
    ModelName, Version,
};
use crate::tui::keymap::Action;
use crate::tui::message::{DeploymentMore, DeploymentUpdate, NewDeployment, Rollback, Write};
use crate::tui::overlay::form::{Form, Values};
use crate::tui::panes::guard::{guarded, open, optional, words};
use crate::tui::panes::resource::Selected;
use crate::tui::panes::{Allowed, Request};

/// The word of the choice for a deployment that nobody asks for its health.
const NO_CHECK: &str = "none";

pub(super) fn changes(action: Action) -> bool {
    matches!(action, Action::Create | Action::Edit | Action::RollBack)
        || target_of(action).is_some()
}

/// The status that an action leads to.
fn target_of(action: Action) -> Option<DeploymentStatus> {
    match action {
        Action::Activate => Some(DeploymentStatus::Active),
        Action::Fail => Some(DeploymentStatus::Failed),
        Action::Terminate => Some(DeploymentStatus::Terminated),
        _ => None,
    }
}

pub(super) fn allows(action: Action, selected: &Selected<'_, Deployment>) -> Allowed {
    if action == Action::Create {
        return Allowed::Yes;
    }
    let Some(deployment) = selected.current else {
        return Allowed::no("there is no deployment here");
    };
    if let Some(status) = target_of(action) {
        return allows_status(deployment, status);
    }
    match (action, selected.more) {
        (Action::Edit, _) if deployment.status.is_final() => Allowed::no(format!(
            "it is {}, so there is nothing to change",
            deployment.status
        )),
        (Action::RollBack, _) if deployment.activated_at.is_none() => {
            Allowed::no("it never served, so there is nothing to roll back; 'x' ends it")
        }
        (Action::RollBack, None) => {
            Allowed::no("open its detail first: it shows what would serve again")
        }
        (Action::RollBack, Some(more)) if more.target.is_none() => Allowed::no(format!(
            "there is no earlier good deployment of {} in {} to go back to",
            deployment.model_name, deployment.environment
        )),
        _ => Allowed::Yes,
    }
}

fn allows_status(deployment: &Deployment, status: DeploymentStatus) -> Allowed {
    if deployment.status == status {
        return Allowed::no(format!("it is {status} already"));
    }
    let next = deployment.status.next();
    if next.contains(&status) {
        return Allowed::Yes;
    }
    if next.is_empty() {
        return Allowed::no(format!(
            "it is {}, and nothing follows that; 'a' makes another",
            deployment.status
        ));
    }
    Allowed::no(format!(
        "from {} it can become {}",
        deployment.status,
        words(next).join(" or ")
    ))
}

pub(super) fn on(action: Action, selected: &Selected<'_, Deployment>) -> Vec<Request> {
    match (action, selected.current, selected.more) {
        (Action::Create, ..) => open(create(selected)),
        (Action::Edit, Some(deployment), _) => open(edit(deployment)),
        (Action::RollBack, Some(deployment), Some(more)) => open(roll_back(deployment, more)),
        (action, Some(deployment), more) => match target_of(action) {
            Some(status) => open(set_status(deployment, status, more)),
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// A deployment of the version that the list is about or that is selected. It begins in DEV: whoever means another environment says so.
fn create(selected: &Selected<'_, Deployment>) -> Form {
    let like = selected.current;
    let model = selected.scope.get("model");
    let model = model.or(like.map(|deployment| deployment.model_name.as_str()));
    let same = like.filter(|deployment| Some(deployment.model_name.as_str()) == model);
    let version = selected.scope.get("version");
    let version = version.or(same.map(|deployment| deployment.version.as_str()));
    let first = match (model, version) {
        (None, _) => "model_name",
        (_, None) => "version",
        _ => "environment",
    };
    let form = Form::new("Deploy a version", |values| {
        let model = values.read("model_name", ModelName::new);
        let version = values.read("version", Version::new);
        let environment = values.read("environment", str::parse::<Environment>);
        let check = health_check(values, None);
        let mut new = NewDeployment::new(model?, version?, environment?);
        new.endpoint = values.given("endpoint").map(|url| Endpoint {
            url: url.to_owned(),
            options: std::collections::BTreeMap::new(),
        });
        new.health_check = check;
        new.reason = optional(values.text("reason"));
        let says = format!(
            "{} {} is to be deployed to {}.",
            new.model_name, new.version, new.environment
        );
        let model = new.model_name.clone();
        let production = new.environment == Environment::Production;
        Some(guarded(
            production,
            &model,
            says,
            Write::CreateDeployment(new),
        ))
    })
    .about("It is PENDING until it is made ACTIVE.")
    .text("model_name", "Model", "", model.unwrap_or_default())
    .text(
        "version",
        "Version",
        "or an alias that it has: champion",
        version.unwrap_or_default(),
    )
    .choice(
        "environment",
        "Environment",
        "← and → choose",
        words(Environment::ALL),
        Environment::Dev.as_str(),
    )
    .text(
        "endpoint",
        "Endpoint",
        "http://…, https://…, tcp://… or grpc://…; may be empty",
        "",
    );
    health_fields(form, None)
        .text(
            "reason",
            "Reason",
            "why, for the audit log; may be empty",
            "",
        )
        .focused(first)
}

fn health_fields(form: Form, check: Option<&HealthCheck>) -> Form {
    let mut protocols = vec![NO_CHECK.to_owned()];
    protocols.extend(words(HealthProtocol::ALL));
    let first = check.map_or(NO_CHECK, |check| check.protocol.as_str());
    let defaults = HealthCheck::new(HealthProtocol::Http);
    let given = check.unwrap_or(&defaults);
    form.choice(
        "protocol",
        "Health check",
        "← and → choose",
        protocols,
        first,
    )
    .text(
        "path",
        "Health path",
        "empty for the protocol's own",
        given.path.as_deref().unwrap_or_default(),
    )
    .text(
        "period",
        "Every",
        "seconds",
        &given.period_seconds.to_string(),
    )
    .text(
        "timeout",
        "Waits",
        "seconds",
        &given.timeout_seconds.to_string(),
    )
}

/// Reads the fields of [`health_fields`]; the thresholds stay as they were. `None` without a check, and where something
/// is wrong, which is noted beside its field.
fn health_check(values: &Values<'_>, before: Option<&HealthCheck>) -> Option<HealthCheck> {
    let protocol: HealthProtocol = values.text("protocol").parse().ok()?;
    let period = values.read("period", read_seconds);
    let timeout = values.read("timeout", read_seconds);
    let mut check = before
        .cloned()
        .unwrap_or_else(|| HealthCheck::new(protocol));
    check.protocol = protocol;
    check.path = optional(values.text("path"));
    (check.period_seconds, check.timeout_seconds) = (period?, timeout?);
    Some(check)
}

fn read_seconds(text: &str) -> Result<u32, &'static str> {
    text.parse().ok().ok_or("whole seconds")
}

fn edit(deployment: &Deployment) -> Form {
    let (before, says) = (deployment.clone(), subject(deployment));
    let form = Form::new(format!("Edit {}", subject(deployment)), move |values| {
        let check = health_check(values, before.health_check.as_ref());
        if before.health_check.is_some() && values.text("protocol") == NO_CHECK {
            values.wrong("protocol", &"cannot be taken away, only changed");
        }
        let endpoint = values.changed("endpoint");
        if endpoint.is_some_and(str::is_empty) {
            values.wrong("endpoint", &"cannot be emptied");
        }
        let update = DeploymentUpdate {
            endpoint: endpoint.map(|url| Endpoint {
                url: url.to_owned(),
                options: before
                    .endpoint
                    .as_ref()
                    .map(|endpoint| endpoint.options.clone())
                    .unwrap_or_default(),
            }),
            health_check: check.filter(|check| before.health_check.as_ref() != Some(check)),
            reason: optional(values.text("reason")),
            expected: Some(before.revision),
            status: None,
        };
        let write = Write::UpdateDeployment(before.deployment_id.clone(), update);
        let says = format!("The endpoint or health check of {says} changes.");
        Some(guarded(
            is_production(&before),
            &before.model_name,
            says,
            write,
        ))
    });
    let url = deployment
        .endpoint
        .as_ref()
        .map_or("", |endpoint| &endpoint.url);
    let form = form.text(
        "endpoint",
        "Endpoint",
        "http://…, https://…, tcp://… or grpc://…",
        url,
    );
    health_fields(form, deployment.health_check.as_ref())
        .text(
            "reason",
            "Reason",
            "why, for the audit log; may be empty",
            "",
        )
        .renewed(deployment.updated_at, |now, _, _| {
            let (deployment, _) = now.deployment()?;
            (!deployment.status.is_final()).then(|| edit(deployment))
        })
}

fn set_status(
    deployment: &Deployment,
    status: DeploymentStatus,
    more: Option<&DeploymentMore>,
) -> Form {
    let what = subject(deployment);
    let (title, says) = match status {
        DeploymentStatus::Active => (
            format!("Make {what} ACTIVE"),
            format!("{what} is to serve."),
        ),
        DeploymentStatus::Failed => (
            format!("Mark {what} FAILED"),
            format!("{what} ends as FAILED."),
        ),
        _ => (
            format!("Terminate {what}"),
            format!("{what} ends as TERMINATED."),
        ),
    };
    let (before, question) = (deployment.clone(), says.clone());
    let mut form = Form::new(title, move |values| {
        let update = DeploymentUpdate {
            status: Some(status),
            reason: optional(values.text("reason")),
            expected: Some(before.revision),
            ..DeploymentUpdate::default()
        };
        let write = Write::UpdateDeployment(before.deployment_id.clone(), update);
        Some(guarded(
            is_production(&before),
            &before.model_name,
            question.clone(),
            write,
        ))
    })
    .about(says);
    if let (DeploymentStatus::Active, Some(more)) = (status, more) {
        let serving = more.others.iter().find(|other| {
            other.status == DeploymentStatus::Active
                && other.deployment_id != deployment.deployment_id
        });
        if let Some(serving) = serving {
            form = form.about(format!(
                "Version {}, which serves now, ends in the same step.",
                serving.version
            ));
        }
        for lack in more.missing.iter().filter(|_| is_production(deployment)) {
            form = form.about(format!("✗ PRODUCTION lacks: {lack}."));
        }
    }
    form.text(
        "reason",
        "Reason",
        "why, for the audit log; may be empty",
        "",
    )
    .renewed(deployment.updated_at, move |now, _, _| {
        let (deployment, more) = now.deployment()?;
        let is_way = deployment.status.next().contains(&status);
        is_way.then(|| set_status(deployment, status, Some(more)))
    })
}

fn roll_back(deployment: &Deployment, more: &DeploymentMore) -> Form {
    let bad = deployment.clone();
    let targets: Vec<(String, DeploymentId, Version)> = ways_back(deployment, more)
        .map(|good| {
            (
                way_back(good),
                good.deployment_id.clone(),
                good.version.clone(),
            )
        })
        .collect();
    let choices: Vec<String> = targets.iter().map(|(word, ..)| word.clone()).collect();
    let first = choices.first().cloned().unwrap_or_default();
    let ends = if deployment.status.is_final() {
        format!(
            "{} has ended as {} already.",
            subject(deployment),
            deployment.status
        )
    } else {
        format!("{} ends as FAILED.", subject(deployment))
    };
    let mut form = Form::new(
        format!("Roll back {}", subject(deployment)),
        move |values| {
            let chosen = values.text("to");
            let (_, to, version) = targets.iter().find(|(word, ..)| word == chosen)?;
            let Some(reason) = values.given("reason") else {
                values.wrong("reason", &"say why in a few words");
                return None;
            };
            let rollback = Rollback {
                to: Some(to.clone()),
                reason: reason.to_owned(),
                deployment_id: None,
                expected: Some(bad.revision),
            };
            let says = format!(
                "{} goes back from version {} to {version} in {}.",
                bad.model_name, bad.version, bad.environment
            );
            let write = Write::RollBack(bad.deployment_id.clone(), rollback);
            Some(guarded(is_production(&bad), &bad.model_name, says, write))
        },
    )
    .about(ends);
    let other = more.others.iter().find(|other| {
        other.status == DeploymentStatus::Active && other.deployment_id != deployment.deployment_id
    });
    if let Some(other) = other {
        form = form.about(format!(
            "Version {}, which serves now, ends as TERMINATED.",
            other.version
        ));
    }
    form.about("The version chosen here serves again, in the same step.")
        .about("Stages in the registry stay as they are.")
        .intent("to", "Back to", "← and → choose", choices, &first)
        .text("reason", "Reason", "what is bad about it", "")
        .focused("reason")
        .renewed(deployment.updated_at, |now, _, _| {
            let (deployment, more) = now.deployment()?;
            more.target.as_ref().map(|_| roll_back(deployment, more))
        })
}

/// The target that the service would take, then every other one that served well, the newest first.
fn ways_back<'a>(
    bad: &'a Deployment,
    more: &'a DeploymentMore,
) -> impl Iterator<Item = &'a Deployment> {
    let target = more.target.iter();
    let others = more.others.iter().filter(|other| {
        other.was_good()
            && other.deployment_id != bad.deployment_id
            && other.version != bad.version
            && more
                .target
                .as_ref()
                .is_none_or(|target| target.deployment_id != other.deployment_id)
    });
    target.chain(others)
}

fn way_back(good: &Deployment) -> String {
    format!(
        "version {} ({})",
        good.version,
        short(good.deployment_id.as_str())
    )
}

fn subject(deployment: &Deployment) -> String {
    format!(
        "{} {} in {}",
        deployment.model_name, deployment.version, deployment.environment
    )
}

fn is_production(deployment: &Deployment) -> bool {
    deployment.environment == Environment::Production
}
