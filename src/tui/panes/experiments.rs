//! The Experiments tab: columns, detail, forms to create and to edit one, and the way to its runs.

use super::resource::{Cell, Column, Resource, Selected};
use super::{Allowed, Jump, Request, Scope, Tab, marks, pairs};
use crate::domain::{
    ExperimentName, ExperimentStatus, Filter, Key, ModelExperiment, number, text::visible,
};
use crate::store::{ExperimentQuery, ListQuery, Page};
use crate::tui::env::{Env, count};
use crate::tui::keymap::{Action, Context, Relative};
use crate::tui::message::{
    Answer, Effect, ExperimentMore, ExperimentUpdate, ListOf, NewExperiment, Question, Rows, Write,
};
use crate::tui::overlay::Overlay;
use crate::tui::overlay::form::Form;
use crate::tui::widgets::detail::{Detail, Section, Table};
use ratatui::text::Span;
use std::borrow::Cow;

/// How many of its newest runs are shown.
const NEWEST: usize = 12;

impl Resource for ModelExperiment {
    const TAB: Tab = Tab::Experiments;
    const CONTEXT: Context = Context::Experiments;
    const NOUNS: (&'static str, &'static str) = ("experiment", "experiments");

    type More = ExperimentMore;
    type State = ();

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.name.as_str())
    }

    fn only(id: &str) -> Filter {
        Filter::default().and_equal("name", id)
    }

    fn columns(_rows: &[Self], _: &[String], (): &(), _env: &Env) -> Vec<Column<Self>> {
        vec![
            Column::new("Experiment", (16, 40), 0, |row: &Self, _| {
                Cell::new(row.name.to_string())
            })
            .sorts("name", false),
            Column::new("Status", (11, 11), 1, |row: &Self, _| {
                let mark = marks::experiment(row.status);
                Cell::meaning(mark.text(), mark.meaning)
            })
            .sorts("status", false),
            Column::new("Owner", (8, 16), 2, |row: &Self, _| {
                Cell::new(visible(&row.owner))
            })
            .sorts("owner", false),
            Column::new("Created", (8, 10), 3, |row: &Self, env| {
                Cell::new(env.ago(row.created_at))
            })
            .sorts("created", true)
            .right(),
            Column::new("Changed", (8, 10), 5, |row: &Self, env| {
                Cell::new(env.ago(row.updated_at))
            })
            .sorts("updated", true)
            .right(),
            Column::new("Description", (14, 60), 4, |row: &Self, _| {
                let first = row.description.lines().next().unwrap_or_default();
                Cell::new(visible(first))
            })
            .sorts("description", false),
        ]
    }

    fn keys(&self) -> Vec<&str> {
        self.tags.keys().map(Key::as_str).collect()
    }

    fn list(scope: &Scope, mut list: ListQuery) -> ListOf {
        if let Some(name) = scope.get("name") {
            list.filter = list.filter.and_equal("name", name);
        }
        ListOf::Experiments(ExperimentQuery {
            list,
            ..ExperimentQuery::default()
        })
    }

    fn rows(rows: Rows) -> Option<Page<Self>> {
        match rows {
            Rows::Experiments(page) => Some(page),
            _ => None,
        }
    }

    fn question(&self, (): &(), _columns: u16, _env: &Env) -> Option<Question> {
        Some(Question::Experiment(self.name.clone()))
    }

    fn more(answer: Answer) -> Option<ExperimentMore> {
        match answer {
            Answer::Experiment(more) => Some(*more),
            _ => None,
        }
    }

    fn detail(&self, more: Option<&ExperimentMore>, (): &(), _rows: u16, env: &Env) -> Detail {
        let theme = &env.theme;
        let mut about = Section::new("")
            .pair("status", marks::experiment(self.status).span(theme))
            .pair("owner", visible(&self.owner).into_owned())
            .pair("created", env.when(self.created_at))
            .pair("changed", env.when(self.updated_at));
        for line in crate::domain::text::visible_lines(&self.description) {
            about = about.text(line);
        }
        let mut sections = vec![about];
        if !self.tags.is_empty() {
            let tags = self
                .tags
                .iter()
                .fold(Section::new("Tags"), |tags, (key, value)| {
                    tags.pair(key.to_string(), visible(value).into_owned())
                });
            sections.push(tags);
        }
        if let Some(more) = more {
            sections.push(runs_section(more, env));
        }
        Detail {
            title: self.name.to_string(),
            sections,
        }
    }

    fn allows(action: Action, selected: &Selected<'_, Self>, env: &Env) -> Allowed {
        match action {
            Action::Edit if selected.current.is_none() => {
                Allowed::no("there is no experiment here")
            }
            Action::Demo if !env.offer_demo => {
                Allowed::no("'modeldeck demo' opens the demo on a store of its own")
            }
            Action::Demo if !selected.is_empty => {
                Allowed::no("this store is in use; 'modeldeck demo' opens the demo beside it")
            }
            _ => Allowed::Yes,
        }
    }

    fn on(action: Action, (): &mut (), selected: &Selected<'_, Self>, _env: &Env) -> Vec<Request> {
        let form = match (action, selected.current) {
            (Action::Create, _) => create_form(),
            (Action::Edit, Some(experiment)) => edit_form(experiment),
            (Action::Demo, _) => return vec![Request::Effect(Effect::Quit { demo: true })],
            _ => return Vec::new(),
        };
        vec![Request::Open(Box::new(Overlay::Form(form)))]
    }

    fn relatives(&self, more: Option<&ExperimentMore>) -> Vec<(Relative, String, Jump)> {
        let runs = more.map_or(0, |more| more.runs.iter().map(|(_, runs)| runs).sum());
        let label = match runs {
            0 => "its runs".to_owned(),
            1 => "its run".to_owned(),
            runs => format!("its {} runs", count(runs)),
        };
        let scope = Scope::new(self.name.to_string()).with("experiment", self.name.as_str());
        vec![(Relative::Run, label, Jump::to(Tab::Runs, scope))]
    }

    fn empty(env: &Env) -> Vec<String> {
        let mut lines = vec![
            "This store is empty.".to_owned(),
            String::new(),
            "a  creates an experiment".to_owned(),
        ];
        if env.offer_demo {
            lines.push("D  opens the demo: a store with everything in it".to_owned());
        }
        lines.push("?  tells all keys".to_owned());
        lines
    }

    fn changes(action: Action) -> bool {
        matches!(action, Action::Create | Action::Edit)
    }
}

fn runs_section(more: &ExperimentMore, env: &Env) -> Section {
    let theme = &env.theme;
    if more.runs.is_empty() {
        return Section::new("Runs").text("none yet");
    }
    let mut section = Section::new("Runs");
    for (status, number) in &more.runs {
        let mark = marks::run(*status, false);
        section = section.pair(
            mark.text(),
            Span::styled(count(*number), theme.meaning(mark.meaning)),
        );
    }
    let mut table = Table::new(["", "newest", "", "metric"]);
    for run in more.newest.iter().take(NEWEST) {
        let stale = run.stale_for(env.now.at, env.stale_after).is_some();
        let metric = super::runs::headline(run)
            .and_then(|key| Some((key, run.metrics.get(key)?)))
            .map(|(key, point)| format!("{key} {}", number::short(point.value)));
        table.row(vec![
            marks::run(run.status, stale).sign(theme),
            Span::raw(visible(&run.name).into_owned()),
            Span::styled(
                env.ago(run.started_at.unwrap_or(run.created_at)),
                theme.muted,
            ),
            Span::raw(metric.unwrap_or_default()),
        ]);
    }
    section.table(table)
}

fn create_form() -> Form {
    Form::new("Create an experiment", |values| {
        let name = values.read("name", ExperimentName::new);
        let tags = values.read("tags", pairs::texts);
        Some(
            Write::CreateExperiment(NewExperiment {
                name: name?,
                description: values.text("description").to_owned(),
                owner: values.given("owner").map(str::to_owned),
                tags: tags?,
            })
            .into(),
        )
    })
    .text("name", "Name", "unique, 1 to 250 characters", "")
    .text("description", "Description", "what it is about", "")
    .text("owner", "Owner", "empty for you", "")
    .text(
        "tags",
        "Tags",
        "key=value, several with spaces between them",
        "",
    )
}

fn edit_form(experiment: &ModelExperiment) -> Form {
    let before = experiment.clone();
    let statuses: Vec<String> = std::iter::once(experiment.status)
        .chain(experiment.status.next().iter().copied())
        .map(|status| status.to_string())
        .collect();
    Form::new(
        format!("Edit experiment '{}'", experiment.name),
        move |values| {
            let tags = values.read("tags", pairs::texts)?;
            let (set_tags, remove_tags) = pairs::difference(&before.tags, &tags);
            let status = values.changed("status").map(str::parse::<ExperimentStatus>);
            let update = ExperimentUpdate {
                description: values.changed("description").map(str::to_owned),
                owner: values.changed("owner").map(str::to_owned),
                status: status.and_then(Result::ok),
                set_tags,
                remove_tags,
                reason: values.given("reason").map(str::to_owned),
                expected: Some(before.revision),
            };
            Some(Write::UpdateExperiment(before.name.clone(), update).into())
        },
    )
    .text(
        "description",
        "Description",
        "what it is about",
        &experiment.description,
    )
    .text("owner", "Owner", "who answers for it", &experiment.owner)
    .choice(
        "status",
        "Status",
        "left and right choose",
        statuses,
        experiment.status.as_str(),
    )
    .merged(
        pairs::merge,
        "tags",
        "Tags",
        "key=value, several with spaces between them; what is left out is removed",
        &pairs::write_texts(&experiment.tags),
    )
    .text("reason", "Reason", "for the audit log, may be empty", "")
    .renewed(experiment.updated_at, |now, _, _| {
        now.experiment().map(edit_form)
    })
}
