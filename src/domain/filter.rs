//! The one filter and sort language of every list, on the screen, on the command line and in the stores.
//!
//! A filter is terms separated by spaces, all of which must hold:
//!
//! | term | holds when |
//! |---|---|
//! | `word` | the name or id contains it, in any case |
//! | `field:value` | the field contains it, in any case |
//! | `field=value`, `field!=value` | it is equal, is not; numbers by value, words in any case |
//! | `field<v`, `<=`, `>`, `>=` | numbers by value, times by date (`2026-11-01` or RFC 3339) |
//! | `!term` | the term does not hold |
//!
//! A value with spaces is put in double quotes. Fields are those of the object; `metrics.K`, `params.K` and `tags.K` name
//! a key of that kind, and a field that the object does not have is looked for among all three. Text is compared by its characters,
//! so that every store can answer alike.

use jiff::Timestamp;
use std::borrow::Cow;

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Contains,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Op {
    /// Longer operators first, so that `<=` is not read as `<`.
    const TABLE: &'static [(&'static str, Self)] = &[
        ("!=", Self::NotEqual),
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        (":", Self::Contains),
        ("=", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Contains | Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// What a term asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// The name or id contains this, in any case.
    Word(String),
    Field {
        field: String,
        op: Op,
        value: String,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    pub negated: bool,
    pub test: Test,
}

/// As it is typed.
impl std::fmt::Display for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let quoted = |text: &str| {
            if text.is_empty() || text.contains(char::is_whitespace) {
                format!("\"{text}\"")
            } else {
                text.to_owned()
            }
        };
        if self.negated {
            f.write_str("!")?;
        }
        match &self.test {
            Test::Word(word) => f.write_str(&quoted(word)),
            Test::Field { field, op, value } => {
                let known = Op::TABLE.iter().find(|(_, known)| known == op);
                let sign = known.map_or("", |(sign, _)| *sign);
                write!(f, "{field}{sign}{}", quoted(value))
            }
        }
    }
}

/// All terms must hold. The empty filter lets everything through.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    pub terms: Vec<Term>,
}

/// What is wrong with a filter, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter, at '{}': {problem}", super::text::visible(at))]
pub struct FilterError {
    pub at: String,
    pub problem: String,
}

/// A value of an object as a filter sees it.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    Time(Timestamp),
}

/// What can be filtered on loaded rows.
pub trait Filterable {
    /// The texts that a bare word is looked for in.
    fn words(&self) -> Vec<Cow<'_, str>>;

    /// The values of a field; none when the object has no such field or no value there.
    fn field(&self, field: &str) -> Vec<FieldValue<'_>>;
}

impl Filter {
    /// Reads a filter.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let terms = split(text)?
            .into_iter()
            .map(|term| parse_term(&term))
            .collect::<Result<_, _>>()?;
        Ok(Self { terms })
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The fields that its terms name.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().filter_map(|term| match &term.test {
            Test::Field { field, .. } => Some(field.as_str()),
            Test::Word(_) => None,
        })
    }

    /// Tells whether all terms hold for an object that is already loaded.
    pub fn matches(&self, object: &dyn Filterable) -> bool {
        self.terms
            .iter()
            .all(|term| term.test.holds(object) != term.negated)
    }

    /// Adds a term that a field is equal to a value.
    #[must_use]
    pub fn and_equal(mut self, field: &str, value: impl Into<String>) -> Self {
        self.terms.push(Term {
            negated: false,
            test: Test::Field {
                field: field.to_owned(),
                op: Op::Equal,
                value: value.into(),
            },
        });
        self
    }
}

/// Splits at spaces outside double quotes; the quotes stay in the pieces.
fn split(text: &str) -> Result<Vec<String>, FilterError> {
    let (mut pieces, mut piece, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                piece.push(c);
            }
            c if c.is_whitespace() && !quoted => {
                if !piece.is_empty() {
                    pieces.push(std::mem::take(&mut piece));
                }
            }
            c => piece.push(c),
        }
    }
    if quoted {
        return Err(FilterError {
            at: piece,
            problem: "a double quote is not closed".to_owned(),
        });
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    Ok(pieces)
}

fn parse_term(term: &str) -> Result<Term, FilterError> {
    let wrong = |problem: &str| FilterError {
        at: term.to_owned(),
        problem: problem.to_owned(),
    };
    let (negated, rest) = match term.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, term),
    };
    // The operator is the first one outside quotes.
    let mut quoted = false;
    let found = rest.char_indices().find_map(|(at, c)| {
        quoted ^= c == '"';
        let (symbol, op) = Op::TABLE
            .iter()
            .find(|(symbol, _)| !quoted && rest[at..].starts_with(symbol))?;
        Some((at, *symbol, *op))
    });
    let test = match found {
        None => Test::Word(unquoted(rest)),
        Some((0, _, _)) => return Err(wrong("a field is missing before the operator")),
        Some((at, symbol, op)) => {
            let value = unquoted(&rest[at + symbol.len()..]);
            if value.is_empty() && op != Op::Equal && op != Op::NotEqual {
                return Err(wrong(&format!("a value is missing after '{symbol}'")));
            }
            if !matches!(op, Op::Contains | Op::Equal | Op::NotEqual)
                && number(&value).is_none()
                && time(&value).is_none()
            {
                let value = super::text::visible(&value);
                return Err(wrong(&format!(
                    "'{symbol}' takes a number or a date, and '{value}' is none"
                )));
            }
            Test::Field {
                field: unquoted(&rest[..at]),
                op,
                value,
            }
        }
    };
    if matches!(&test, Test::Word(word) if word.is_empty()) {
        return Err(wrong("a word is missing"));
    }
    Ok(Term { negated, test })
}

fn unquoted(text: &str) -> String {
    text.replace('"', "")
}

/// The number that a filter's value means, if it is one.
pub fn number(value: &str) -> Option<f64> {
    super::number::parse(value).filter(|value| !value.is_nan())
}

/// The time that a filter's value means, if it is a date (its first moment, local) or an RFC 3339 time.
pub fn time(value: &str) -> Option<Timestamp> {
    if let Ok(time) = value.parse::<Timestamp>() {
        return Some(time);
    }
    let date: jiff::civil::Date = value.parse().ok()?;
    Some(
        date.to_zoned(jiff::tz::TimeZone::system())
            .ok()?
            .timestamp(),
    )
}

fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

impl Test {
    fn holds(&self, object: &dyn Filterable) -> bool {
        match self {
            Self::Word(word) => object.words().iter().any(|text| contains(text, word)),
            Self::Field { field, op, value } => {
                let values = object.field(field);
                match op {
                    // "is not" holds for what has no such value at all.
                    Op::NotEqual => !values.iter().any(|found| found.compares(Op::Equal, value)),
                    Op::Equal if value.is_empty() => {
                        values.is_empty()
                            || values.iter().any(|found| found.compares(Op::Equal, ""))
                    }
                    op => values.iter().any(|found| found.compares(*op, value)),
                }
            }
        }
    }
}

impl FieldValue<'_> {
    /// Tells whether this value holds in a term. Stores that cannot say it in their own words ask here, so that they agree.
    pub fn compares(&self, op: Op, value: &str) -> bool {
        match self {
            Self::Number(found) => number(value)
                .and_then(|value| found.partial_cmp(&value))
                .is_some_and(|order| op.holds(order)),
            Self::Time(found) => time(value).is_some_and(|value| op.holds(found.cmp(&value))),
            Self::Text(found) => match op {
                Op::Contains => contains(found, value),
                Op::Equal | Op::NotEqual => {
                    let equal = found.to_lowercase() == value.to_lowercase()
                        || matches!((number(found), number(value)), (Some(a), Some(b)) if a.total_cmp(&b).is_eq());
                    equal == (op == Op::Equal)
                }
                op => {
                    matches!((number(found), number(value)), (Some(a), Some(b)) if a.partial_cmp(&b).is_some_and(|order| op.holds(order)))
                }
            },
        }
    }
}

/// By which field a list is ordered. Rows without a value come last in both directions, and ties are broken by the
/// newest first, so an order is always total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// A field of the object, or `metrics.K`, `params.K`, `tags.K`.
    pub field: String,
    pub descending: bool,
}

impl Sort {
    pub fn ascending(field: &str) -> Self {
        Self {
            field: field.to_owned(),
            descending: false,
        }
    }

    pub fn descending(field: &str) -> Self {
        Self {
            field: field.to_owned(),
            descending: true,
        }
    }

    /// Reads `FIELD`, `FIELD:asc` or `FIELD:desc`; `default` tells the direction of a bare field.
    pub fn parse(text: &str, default: impl Fn(&str) -> bool) -> Self {
        match text.rsplit_once(':') {
            Some((field, "asc")) => Self::ascending(field),
            Some((field, "desc")) => Self::descending(field),
            _ => Self {
                field: text.to_owned(),
                descending: default(text),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row;

    impl Filterable for Row {
        fn words(&self) -> Vec<Cow<'_, str>> {
            vec!["lgbm-42".into(), "0199abc".into()]
        }

        fn field(&self, field: &str) -> Vec<FieldValue<'_>> {
            match field {
                "status" => vec![FieldValue::Text("RUNNING".into())],
                "lr" | "params.lr" => vec![FieldValue::Text("0.05".into())],
                "val/auc" => vec![FieldValue::Number(0.93)],
                "started" => vec![FieldValue::Time("2026-11-05T10:00:00Z".parse().unwrap())],
                _ => Vec::new(),
            }
        }
    }

    #[test]
    fn terms_hold_as_the_table_says() {
        let cases = [
            ("", true),
            ("LGBM", true),
            ("xgb", false),
            ("!xgb", true),
            ("status:run", true),
            ("status=running", true),
            ("status=run", false),
            ("status!=failed", true),
            ("lr>=0.01 lr<0.1", true),
            ("lr=5e-2", true),
            ("params.lr>0.05", false),
            ("val/auc>0.9 lgbm", true),
            ("val/auc>0.95", false),
            ("started>2026-11-01", true),
            ("started<2026-11-01", false),
            ("nope=1", false),
            ("nope!=1", true),
            ("nope=", true),
            ("!nope:x", true),
            ("\"lgbm-42\"", true),
        ];
        for (text, expected) in cases {
            assert_eq!(
                Filter::parse(text).unwrap().matches(&Row),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for text in ["=1", "lr>", "lr>abc", "name:\"open", "!"] {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn quotes_hold_spaces_and_operators() {
        let filter = Filter::parse(r#"name:"a b=c" x"#).unwrap();
        let test = Test::Field {
            field: "name".to_owned(),
            op: Op::Contains,
            value: "a b=c".to_owned(),
        };
        assert_eq!(filter.terms[0].test, test);
        assert_eq!(filter.terms.len(), 2);
    }

    #[test]
    fn a_sort_has_a_direction() {
        assert_eq!(
            Sort::parse("metrics.loss:desc", |_| false),
            Sort::descending("metrics.loss")
        );
        assert_eq!(
            Sort::parse("started", |_| true),
            Sort::descending("started")
        );
        assert_eq!(
            Sort::parse("tags.a:b", |_| false),
            Sort::ascending("tags.a:b")
        );
    }
}
