//! What a bench has found out, for machines.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Object, findings, millis};
use crate::cli::print::format_name;
use crate::ops::Benched;
use crate::ops::bench::{Advice, Leg};

/// The end of a bench.
pub fn benched(benched: &Benched) -> String {
    Object::new("benched", benched.elapsed)
        .with("database", benched.database.as_str())
        .with("old_url", benched.old_url.as_str())
        .with("new_url", benched.new_url.as_deref())
        .with("old_version", benched.old_version.to_string())
        .with("new_version", benched.new_version.map(|version| version.to_string()))
        .with("bytes", benched.bytes)
        .with("index_bytes", benched.index_bytes)
        .with("tables", benched.tables.clone())
        .with("sampled_bytes", benched.sampled_bytes)
        .with("old_round_trip_us", micros(benched.old_round_trip))
        .with("new_round_trip_us", benched.new_round_trip.map(micros))
        .with("legs", benched.legs.iter().map(leg).collect::<Value>())
        .with("upgrade", benched.upgrade.as_ref().map(advice))
        .with("dump", benched.dump.as_ref().map(advice))
        .with("findings", findings(&benched.findings))
        .with("duration_ms", millis(benched.elapsed))
        .line()
}

fn leg(leg: &Leg) -> Value {
    json!({
        "leg": leg.work.name(),
        "place": leg.place.name(),
        "form": leg.form,
        "lanes": leg.lanes,
        "bytes": leg.flow.bytes,
        "rows": leg.flow.rows,
        "duration_ms": millis(leg.flow.elapsed),
        "bytes_per_second": leg.flow.speed() as u64,
        "ratio": leg.ratio,
    })
}

fn advice(advice: &Advice) -> Value {
    let part = |(part, time): &(crate::ops::bench::Part, Duration)| json!({ "part": part.name(), "duration_ms": millis(*time) });
    json!({
        "jobs": advice.jobs,
        "format": format_name(advice.format),
        "compress": advice.compress.map(|codec| codec.to_string()),
        "limited_by": advice.limit.map(crate::ops::bench::Part::name),
        "parts": advice.parts.iter().map(part).collect::<Value>(),
        "forecast_from_ms": millis(advice.elapsed.0),
        "forecast_to_ms": millis(advice.elapsed.1),
    })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
