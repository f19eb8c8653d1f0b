//! The plan of a dry run: complete, in order, in columns that tools can cut.

use std::cmp::Reverse;

use crate::cli::style::Paint;
use crate::cli::text;
use crate::ops::{Plan, PlannedStep};
use crate::toc::Section;

/// Every step by section, with sizes; the data from the largest down, which is how it is taken on.
pub fn plan(plan: &Plan, width: usize, paint: Paint) -> String {
    let title = format!(
        "Plan: {} {} from PostgreSQL {} to {}, {}",
        if plan.databases.len() == 1 { "database" } else { "databases" },
        text::safe(&plan.databases.join(", ")),
        plan.old_version,
        plan.new_version,
        text::counted(plan.jobs as u64, "lane", "lanes")
    );
    let mut out = format!("{}\n", paint.bold(&title));
    out += &format!("  from  {}\n  to    {}\n", text::safe(&plan.old_url), text::safe(&plan.new_url));
    let kind = plan.steps.iter().map(|s| s.kind.len()).max().unwrap_or_default();
    for (section, name) in [
        (Section::PreData, "Schema"),
        (Section::Data, "Data, the largest first"),
        (Section::PostData, "Indexes, constraints and triggers, each as soon as its tables are there"),
        (Section::Last, "Last"),
    ] {
        let mut steps: Vec<&PlannedStep> = plan.steps.iter().filter(|s| s.section == section).collect();
        if steps.is_empty() {
            continue;
        }
        if section == Section::Data {
            steps.sort_by_key(|s| Reverse(s.bytes.unwrap_or_default()));
        }
        out += &head(name, &steps, paint);
        for step in steps {
            let size = text::right(&step.bytes.map(text::size).unwrap_or_default(), 8);
            let parts = if step.parts > 1 { format!(", in {} parts", step.parts) } else { String::new() };
            let form = if step.binary { ", binary" } else { "" };
            out += &format!("  {}  {size}  {}{form}{parts}\n", text::left(step.kind, kind), text::safe(&step.name));
        }
    }
    if !plan.findings.is_empty() {
        out += "\n";
        out += &super::findings(&plan.findings, width, paint);
    }
    out + "\nNothing was written.\n"
}

fn head(name: &str, steps: &[&PlannedStep], paint: Paint) -> String {
    let bytes = steps.iter().fold(0u64, |sum, s| sum.saturating_add(s.bytes.unwrap_or_default()));
    let size = if bytes > 0 { format!(", {}", text::size(bytes)) } else { String::new() };
    let count = text::counted(steps.len() as u64, "step", "steps");
    format!("\n{} ({count}{size})\n", paint.bold(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Finding, Severity};
    use crate::wire::version::ServerVersion;

    fn step(section: Section, kind: &'static str, name: &str, bytes: Option<u64>) -> PlannedStep {
        PlannedStep { section, kind, name: name.to_owned(), bytes, parts: 1, binary: false }
    }

    #[test]
    fn the_whole_plan() {
        let shown = plan(
            &Plan {
                databases: vec!["shop".into()],
                new_url: "postgresql://u@new:5432/shop".into(),
                old_url: "postgresql://u@old:5432/shop".into(),
                old_version: ServerVersion(150_018),
                new_version: ServerVersion(180_001),
                jobs: 4,
                steps: vec![
                    step(Section::PreData, "SCHEMA", "shop", None),
                    step(Section::PreData, "TABLE", "shop.or\x1bders", None),
                    step(Section::Data, "TABLE DATA", "shop.small", Some(8192)),
                    PlannedStep {
                        parts: 4,
                        binary: true,
                        ..step(Section::Data, "TABLE DATA", "shop.orders", Some(1_200_000_000))
                    },
                    step(Section::PostData, "INDEX", "shop.orders_pkey", Some(99_000_000)),
                ],
                findings: vec![Finding {
                    severity: Severity::Note,
                    subject: "role r".into(),
                    text: "has no password".into(),
                    remedy: None,
                }],
            },
            80,
            Paint::PLAIN,
        );
        let expected = "\
Plan: database shop from PostgreSQL 15.18 to 18.1, 4 lanes
  from  postgresql://u@old:5432/shop
  to    postgresql://u@new:5432/shop

Schema (2 steps)
  SCHEMA                shop
  TABLE                 shop.or\\x1bders

Data, the largest first (2 steps, 1.2 GB)
  TABLE DATA    1.2 GB  shop.orders, binary, in 4 parts
  TABLE DATA    8.2 kB  shop.small

Indexes, constraints and triggers, each as soon as its tables are there (1 step, 99.0 MB)
  INDEX        99.0 MB  shop.orders_pkey

  note     role r: has no password

Nothing was written.
";
        assert_eq!(shown, expected);
    }
}
