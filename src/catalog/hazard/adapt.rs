//! What has another form on the new server, and is given that.

use super::Hazard;
use crate::catalog::setting::Setting;
use crate::catalog::{Aggregate, Catalog, Object};
use crate::sql::Sql;

/// Since when some functions of arrays take elements and arrays that fit together, and no longer of the same type only
/// (PostgreSQL 14, release notes, "Migration to Version 14").
const COMPATIBLE: u32 = 14;

/// These functions.
const OF_ARRAYS: [&str; 8] = [
    "array_append",
    "array_cat",
    "array_position",
    "array_positions",
    "array_prepend",
    "array_remove",
    "array_replace",
    "width_bucket",
];

/// Gives everything the form that a server of major `target` takes, and tells of it.
pub fn adapt(catalog: &mut Catalog, target: u32) -> Vec<Hazard> {
    let mut out = Vec::new();
    if catalog.version.major() < COMPATIBLE && target >= COMPATIBLE {
        for object in &mut catalog.objects {
            match object {
                Object::Aggregate(aggregate) => {
                    let subject = format!("aggregate {}", aggregate.name.label());
                    out.extend(compatible(aggregate).map(|fatal| told(subject, fatal)));
                }
                Object::Operator(operator) if is_of_arrays(&operator.function) => {
                    // Both sides, whatever becomes of the first.
                    let changed = [operator.left.as_mut(), operator.right.as_mut()].into_iter().flatten().map(change);
                    if changed.filter(|changed| *changed).count() > 0 {
                        out.push(told(operator.label(), false));
                    }
                }
                _ => {}
            }
        }
    }
    out
}

fn told(subject: String, fatal: bool) -> Hazard {
    let (text, remedy) = match fatal {
        false => (
            "it is made with anycompatible types, which the functions of arrays that it calls have had since 14",
            "It works as before.",
        ),
        true => (
            "it calls a function of arrays that has had anycompatible types since 14, together with one that has not",
            "Drop it here, and make it on the new server with functions that take the same types.",
        ),
    };
    Hazard { subject, text: text.to_owned(), remedy, fatal }
}

/// Changes the types of an aggregate that calls one of the functions, if they are among those that have changed: `None` if
/// it stays what it was, and whether it stays what it was although it should not.
fn compatible(aggregate: &mut Aggregate) -> Option<bool> {
    let states = || [Some(&aggregate.plain), aggregate.moving.as_ref()].into_iter().flatten();
    let called = || {
        let of_state = states().flat_map(|state| [Some(&state.step), state.inverse.as_ref(), state.last.as_ref()]);
        of_state.chain([aggregate.combine.as_ref()]).flatten()
    };
    let types = states().map(|state| &state.state).chain(&aggregate.types);
    if !called().any(is_of_arrays) || !types.map(renamed).any(|changed| changed.is_some()) {
        return None;
    }
    if !called().all(is_of_arrays) {
        return Some(true);
    }
    let states = [Some(&mut aggregate.plain), aggregate.moving.as_mut()].into_iter().flatten();
    let texts = states.map(|state| &mut state.state).chain([&mut aggregate.arguments, &mut aggregate.identity]);
    texts.chain(&mut aggregate.types).for_each(|text| {
        change(text);
    });
    Some(false)
}

/// Gives types the names that they have taken, and says whether any has.
fn change(types: &mut Sql) -> bool {
    let changed = renamed(types);
    let any = changed.is_some();
    if let Some(changed) = changed {
        *types = changed;
    }
    any
}

/// Whether a function, as the server writes its name, is one of those that have changed.
fn is_of_arrays(function: &Sql) -> bool {
    let name = function.as_str().replace('"', "");
    OF_ARRAYS.contains(&name.strip_prefix("pg_catalog.").unwrap_or(&name))
}

/// Types, or arguments, with the names that the types have taken; `None` if none of them has.
fn renamed(types: &Sql) -> Option<Sql> {
    let before = types.as_str();
    let mut text = before.to_owned();
    for (old, new) in [("anyarray", "anycompatiblearray"), ("anyelement", "anycompatible")] {
        text = text
            .replace(&format!("\"{old}\""), new)
            .split(' ')
            .map(|word| replaced(word, old, new))
            .collect::<Vec<_>>()
            .join(" ");
    }
    (text != before).then(|| Sql::deparsed(text))
}

/// A word with the comma that may follow it, in other words if it is `old`.
fn replaced(word: &str, old: &str, new: &str) -> String {
    match word.strip_prefix(old) {
        Some(rest) if rest.is_empty() || rest == "," => format!("{new}{rest}"),
        _ => word.to_owned(),
    }
}

/// All settings that functions and the database carry, each once.
pub fn settings(catalog: &Catalog) -> Vec<Setting> {
    let mut out: Vec<Setting> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let of_functions = catalog.objects().iter().flat_map(|object| match object {
        Object::Function(function) => function.settings.as_slice(),
        _ => &[],
    });
    let of_database = catalog.database.settings.iter().map(|(_, setting)| setting);
    for setting in of_functions.chain(of_database) {
        if seen.insert((&setting.name, &setting.value)) {
            out.push(setting.clone());
        }
    }
    out
}

/// Takes a setting away from all who carry it, and names them.
pub fn leave_out(catalog: &mut Catalog, setting: &Setting) -> Vec<String> {
    let mut out = Vec::new();
    for object in &mut catalog.objects {
        if let Object::Function(function) = object
            && function.settings.contains(setting)
        {
            function.settings.retain(|other| other != setting);
            out.push(format!("function {}({})", function.name.label(), function.types));
        }
    }
    let database = catalog.database.name.clone();
    catalog.database.settings.retain(|(role, other)| {
        if other == setting {
            out.push(match role {
                Some(role) => format!("role {} in database {database}", role.as_str()),
                None => format!("database {database}"),
            });
        }
        other != setting
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_change_and_names_do_not() {
        let changed = |text: &'static str| renamed(&Sql::constant(text)).map(|text| text.as_str().to_owned());
        assert_eq!(changed("\"anyelement\"").as_deref(), Some("anycompatible"));
        assert_eq!(
            changed("anyarray, VARIADIC anyarray").as_deref(),
            Some("anycompatiblearray, VARIADIC anycompatiblearray")
        );
        assert_eq!(changed("\"my anyarray\", anynonarray"), None);
    }

    #[test]
    fn functions_are_known_by_their_names() {
        assert!(is_of_arrays(&Sql::constant("\"array_append\"")));
        assert!(is_of_arrays(&Sql::constant("\"pg_catalog\".\"array_position\"")));
        assert!(!is_of_arrays(&Sql::constant("\"s\".\"array_append\"")));
    }

    #[test]
    fn a_setting_is_left_out_everywhere() {
        let setting = Setting { name: "gone".to_owned(), value: "1".to_owned() };
        let mut catalog = crate::catalog::testing::catalog(12);
        catalog.database.name = "d".to_owned();
        catalog.database.settings = vec![(None, setting.clone()), (Some("r".into()), setting.clone())];
        assert_eq!(settings(&catalog), std::slice::from_ref(&setting));
        assert_eq!(leave_out(&mut catalog, &setting), ["database d", "role r in database d"]);
        assert!(catalog.database.settings.is_empty());
    }
}
