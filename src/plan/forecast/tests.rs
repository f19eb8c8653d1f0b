use super::*;

const MB: f64 = 1e6;

fn by_lanes(speeds: &[(usize, f64)]) -> ByLanes {
    let mut out = ByLanes::default();
    speeds.iter().for_each(|(lanes, speed)| out.push(*lanes, *speed));
    out
}

fn table(pays: bool) -> Table {
    Table {
        weight: 1_000_000_000,
        pays,
        text: Crossing { bytes: 800.0 * MB, read: 100.0 * MB, load: Some(50.0 * MB) },
        binary: Some(Crossing { bytes: 1000.0 * MB, read: 200.0 * MB, load: Some(125.0 * MB) }),
    }
}

fn speeds() -> Speeds {
    Speeds {
        read: by_lanes(&[(1, 100.0 * MB), (2, 190.0 * MB), (4, 195.0 * MB)]),
        wire: by_lanes(&[(1, 1000.0 * MB)]),
        wire_new: Some(1000.0 * MB),
        load: by_lanes(&[(1, 50.0 * MB), (2, 98.0 * MB), (4, 99.0 * MB)]),
        build: by_lanes(&[(1, 10.0 * MB), (2, 20.0 * MB), (4, 20.0 * MB)]),
        read_back: Some(200.0 * MB),
        compressors: vec![
            Compressor { ratio: 0.30, speed: 400.0 * MB },
            Compressor { ratio: 0.25, speed: 200.0 * MB },
            Compressor { ratio: 0.22, speed: 20.0 * MB },
        ],
        disk: Some(500.0 * MB),
        threads: 2,
    }
}

fn contents(pays: bool) -> Contents {
    Contents { tables: vec![table(pays)], weight: 1_000_000_000, ..Contents::default() }
}

fn of(forecast: &Forecast, part: Part) -> f64 {
    forecast.parts.iter().find(|(found, _)| *found == part).map(|(_, seconds)| *seconds).unwrap_or_default()
}

#[test]
fn lanes_that_bring_nothing_are_not_recommended() {
    let table = Table { binary: None, ..table(false) };
    let contents = Contents { tables: vec![table], ..contents(false) };
    let forecast = speeds().upgrade(&contents, &[1, 2, 4], false, None);
    assert_eq!(forecast.lanes, 2);
    assert_eq!(forecast.limit(), Some(Part::Load));
    // 800 MB at 50 MB/s, and 98 / 50 times as fast with two lanes; read back as fast as that was measured.
    assert!((of(&forecast, Part::Load) - 16.0 * 50.0 / 98.0).abs() < 0.01, "{forecast:?}");
    assert!((of(&forecast, Part::Verify) - 4.0 / 1.9).abs() < 0.01, "{forecast:?}");
}

#[test]
fn the_form_follows_what_was_measured() {
    // Binary form is safe here and was not taken to pay; it is twice as fast.
    assert_eq!(speeds().upgrade(&contents(false), &[1, 2], false, None).format, Format::Binary);
    // What is taken anyway needs no option.
    assert_eq!(speeds().upgrade(&contents(true), &[1, 2], false, None).format, Format::Auto);
    let mut slow = contents(true);
    slow.tables[0].binary = Some(Crossing { bytes: 1000.0 * MB, read: 200.0 * MB, load: Some(20.0 * MB) });
    assert_eq!(speeds().upgrade(&slow, &[1, 2], false, None).format, Format::Text);
}

#[test]
fn compression_is_as_good_as_it_may_be_without_being_the_limit() {
    let forecast = speeds().dump(&contents(false), &[1, 2, 4], None);
    assert_eq!((forecast.compressor, forecast.lanes), (Some(1), 2));
    assert_eq!(forecast.limit(), Some(Part::Read));
    // What is hardly smaller is not worth the processors.
    let mut alike = speeds();
    alike.compressors[1].ratio = 0.29;
    assert_eq!(alike.dump(&contents(false), &[1, 2, 4], None).compressor, Some(0));
    let slow_disk = Speeds { disk: Some(10.0 * MB), ..speeds() };
    let forecast = slow_disk.dump(&contents(false), &[1, 2, 4], None);
    assert_eq!((forecast.compressor, forecast.lanes), (Some(2), 2));
    assert_eq!(forecast.limit(), Some(Part::Compress));
}

#[test]
fn rows_beside_an_archive_cross_as_text() {
    let forecast = speeds().upgrade(&contents(true), &[1, 2], true, None);
    assert_eq!((forecast.format, forecast.compressor), (Format::Text, Some(1)));
}

#[test]
fn what_was_not_measured_is_like_what_was() {
    let whole = Contents { weight: 3_000_000_000, ..contents(false) };
    let (one, all) = (contents(false).cost(Format::Text), whole.cost(Format::Text));
    assert!((all.load - 3.0 * one.load).abs() < 1e-6 && (all.bytes - 3.0 * one.bytes).abs() < 1.0);
    let two = Table { text: Crossing { load: None, ..table(false).text }, ..table(false) };
    let partly = Contents { tables: vec![table(false), two], weight: 2_000_000_000, ..Contents::default() };
    assert!((partly.cost(Format::Text).load - 32.0).abs() < 1e-6);
}

#[test]
fn indexes_can_be_the_limit() {
    let contents = Contents { indexes: vec![(600_000_000, Some(5.0 * MB)), (100_000_000, None)], ..contents(false) };
    let forecast = speeds().upgrade(&contents, &[1, 2, 4], false, None);
    assert_eq!(forecast.limit(), Some(Part::Build));
    assert!((of(&forecast, Part::Build) - 65.0).abs() < 0.01, "{forecast:?}");
}

#[test]
fn together_corrects_the_model() {
    let plain = speeds().upgrade(&contents(false), &[2], false, None);
    // Twice as long as the parts promised.
    let expected = 16.0 * 50.0 / 98.0;
    let together = Together { contents: contents(false), lanes: 2, seconds: 2.0 * expected };
    let slow = speeds().upgrade(&contents(false), &[2], false, Some(&together));
    assert!((slow.seconds.0 - 1.5 * plain.seconds.0).abs() < 0.01, "{slow:?} {plain:?}");
    assert!((slow.seconds.1 - 2.0 * plain.seconds.1).abs() < 0.01, "{slow:?} {plain:?}");
    let short = Together { seconds: 0.1, ..together };
    assert_eq!(speeds().upgrade(&contents(false), &[2], false, Some(&short)), plain);
}

#[test]
fn nothing_takes_no_time_and_breaks_nothing() {
    let empty = Contents::default();
    for forecast in [Speeds::default().upgrade(&empty, &[1, 2], true, None), Speeds::default().dump(&empty, &[], None)]
    {
        assert_eq!((forecast.lanes, forecast.limit(), forecast.compressor), (1, None, None));
        assert_eq!(forecast.seconds, (0.0, 0.0));
    }
}
