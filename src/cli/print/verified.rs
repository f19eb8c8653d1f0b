//! What was found out about an archive.

use super::summary::row;
use crate::cli::style::Paint;
use crate::cli::text;
use crate::ops::ArchiveVerified;

/// That an archive is whole, what it holds, and what it cannot tell. One that is not whole ends in an error.
pub fn verified(verified: &ArchiveVerified, width: usize, paint: Paint) -> String {
    let name = text::safe(&verified.archive.display().to_string()).into_owned();
    let title = match &verified.writer {
        Some(_) => format!("The archive {name} is whole."),
        None => format!("The archive {name} can be read to its end."),
    };
    let mut out = format!("\n{}\n\n", paint.bold(&title));
    let proved = match &verified.writer {
        Some(writer) => format!(
            "every byte, against the manifest of {}: {}, and a digest over the rows of every table",
            text::safe(writer),
            text::counted(verified.frames, "frame", "frames")
        ),
        None => "structure, and every block decoded to its end; there is no manifest".to_owned(),
    };
    let mut holds = vec![
        text::counted(verified.entries, "entry", "entries"),
        text::counted(verified.blocks, "block of data", "blocks of data"),
        text::counted(verified.rows, "row", "rows"),
    ];
    if verified.large_objects > 0 {
        holds.push(text::counted(verified.large_objects, "large object", "large objects"));
    }
    let size = format!(
        "{}, {} of data ({}, version {})",
        text::size(verified.bytes),
        text::size(verified.content),
        verified.compression,
        verified.version
    );
    let time = text::duration(verified.elapsed);
    for (name, value) in [("verified", proved), ("holds", holds.join(", ")), ("size", size), ("time", time)] {
        row(&mut out, name, &value, width, paint);
    }
    if !verified.findings.is_empty() {
        out += "\n";
        out += &super::findings(&verified.findings, width, paint);
    }
    out
}
