//! Killed at any moment, and started again with the same command: it arrives.

use pgtandem_lab::Server;

use crate::support::{Oracle, Program, assert_same, databases, fill_shop};

/// How many points of a run are tried.
const POINTS: usize = 10;

#[test]
fn killed_at_ten_points_and_started_again() {
    let (old, new) = (Server::start(15).unwrap(), Server::start(18).unwrap());
    fill_shop(&old, "shop", 60_000);
    // Every line is an event: killed after some of them, it is killed in the middle of what it does then.
    let upgrade = || Program::upgrade(&old.url("shop"), &new.url("shop")).args(["--log-format", "json"]);
    let again = || new.psql("postgres", "DROP DATABASE shop").unwrap();

    let undisturbed = upgrade().succeed().stdout.lines().count();
    let (before, after) = (Oracle::of(&old, "shop"), Oracle::of(&new, "shop"));
    assert_same("the rows", &data_of(&before), 15, &data_of(&after), 18, &[]);
    again();

    let mut cut_short = 0;
    for point in 0..POINTS {
        let mut running = upgrade().spawn();
        running.wait_for_lines(undisturbed * (2 * point + 1) / (2 * POINTS));
        cut_short += usize::from(running.is_running());
        running.signal("KILL");
        let killed = running.wait();
        if !killed.status.success() {
            assert!(
                !databases(&new, "shop").contains(&"shop".to_owned()),
                "point {point}: half of it has the final name"
            );
            upgrade().succeed();
        }
        assert_same(&format!("point {point}"), &after, 18, &Oracle::of(&new, "shop"), 18, &[]);
        assert_eq!(databases(&new, "shop"), ["shop"], "point {point}");
        again();
    }
    assert_eq!(cut_short, POINTS, "only {cut_short} runs were killed before they ended");
    assert_same("the old database", &before, 15, &Oracle::of(&old, "shop"), 15, &[]);
}

/// The rows alone: the words of views differ between majors, and are judged by the round trips.
fn data_of(oracle: &Oracle) -> Oracle {
    Oracle {
        major: oracle.major,
        schema: oracle.schema.keys().map(|name| (name.clone(), String::new())).collect(),
        data: oracle.data.clone(),
    }
}
