//! The tap, on streams in memory.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::{Wake, Waker};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;

/// A backend message.
fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend((body.len() as u32 + 4).to_be_bytes());
    bytes.extend(body);
    bytes
}

fn copy_out_response(format: u8) -> Vec<u8> {
    message(b'H', &[format, 0, 1, 0, format])
}

/// What a server sends for a COPY TO STDOUT, and what of it the library gets to see.
fn conversation(rows: &[Vec<u8>], end: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let before = [message(b'R', &[0; 4]), message(b'S', b"a\0b\0"), message(b'Z', b"I")].concat();
    let notice = message(b'N', b"SNOTICE\0\0");
    let mut all = [before.clone(), copy_out_response(0)].concat();
    for (i, row) in rows.iter().enumerate() {
        if i == rows.len() / 2 {
            all.extend(&notice);
        }
        all.extend(message(b'd', row));
    }
    let seen = [if rows.is_empty() { before } else { [before, notice].concat() }, end.to_vec()].concat();
    let done = if end.first() == Some(&b'E') { vec![] } else { message(b'c', b"") };
    (([all, done, end.to_vec()].concat()), seen)
}

fn completed() -> Vec<u8> {
    [message(b'C', b"COPY 5\0"), message(b'Z', b"I")].concat()
}

/// All rows of the blocks, put together again.
fn rows_of(blocks: &[Block]) -> Vec<Vec<u8>> {
    let (mut rows, mut row) = (Vec::new(), Vec::new());
    for block in blocks {
        let mut from = 0;
        for end in &block.ends {
            row.extend(&block.bytes[from..*end as usize]);
            rows.push(std::mem::take(&mut row));
            from = *end as usize;
        }
        row.extend(&block.bytes[from..]);
    }
    assert!(row.is_empty(), "a row without an end");
    rows
}

async fn received(mut cuts: mpsc::Receiver<Cut>) -> (Option<Format>, Vec<Block>) {
    let (mut format, mut blocks) = (None, Vec::new());
    while let Some(cut) = cuts.recv().await {
        match cut {
            Cut::Start(start) => assert!(format.replace(start).is_none()),
            Cut::Block(block) => blocks.push(block),
        }
    }
    (format, blocks)
}

/// Sends the pieces one by one through an armed tap, whose reader takes `step` bytes at a time.
async fn through(pieces: &[&[u8]], step: usize) -> (Vec<u8>, Option<Format>, Vec<Block>) {
    let (near, mut far) = duplex(1 << 22);
    let (mut tap, handle) = Tap::new(near);
    let cuts = handle.arm_out();
    let library = async {
        let mut seen = Vec::new();
        let mut buffer = vec![0; step];
        loop {
            match tap.read(&mut buffer).await.unwrap() {
                0 => break,
                count => seen.extend(&buffer[..count]),
            }
        }
        drop(tap);
        seen
    };
    let server = async {
        for piece in pieces {
            far.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        drop(far);
    };
    let (seen, (format, blocks), ()) = tokio::join!(library, received(cuts), server);
    (seen, format, blocks)
}

fn some_rows() -> Vec<Vec<u8>> {
    vec![vec![], b"1\n".to_vec(), vec![b'x'; 40], vec![], b"\n".to_vec()]
}

#[tokio::test]
async fn cuts_at_every_border() {
    let rows = some_rows();
    let (all, expected) = conversation(&rows, &completed());
    for at in 0..=all.len() {
        for step in [1, 8192] {
            let (seen, format, blocks) = through(&[&all[..at], &all[at..]], step).await;
            assert_eq!(seen, expected, "at {at}");
            assert_eq!(format, Some(Format::Text));
            assert_eq!(rows_of(&blocks), rows, "at {at}");
        }
    }
    let single: Vec<&[u8]> = all.chunks(1).collect();
    let (seen, _, blocks) = through(&single, 3).await;
    assert_eq!((seen, rows_of(&blocks)), (expected, rows));
}

#[tokio::test]
async fn long_rows_straddle_blocks_and_many_short_ones_are_bounded() {
    let mut rows: Vec<Vec<u8>> = (0..40u32).map(|i| vec![i as u8; (i as usize * 7919) % 40_000]).collect();
    rows.push((0..3 * BLOCK_BYTES + 17).map(|i| (i % 251) as u8).collect());
    rows.push(vec![7; BLOCK_BYTES]);
    rows.extend(vec![vec![]; BLOCK_ROWS + 10]);
    rows.extend(vec![b"\n".to_vec(); BLOCK_ROWS + 10]);
    let (all, expected) = conversation(&rows, &completed());
    for size in [1 << 22, 4096, 70_001] {
        let pieces: Vec<&[u8]> = all.chunks(size).collect();
        let (seen, _, blocks) = through(&pieces, 8192).await;
        assert_eq!(seen, expected);
        assert!(blocks.iter().all(|block| block.bytes.len() <= BLOCK_BYTES && block.ends.len() <= BLOCK_ROWS));
        let full = blocks.iter().filter(|block| block.bytes.len() == BLOCK_BYTES).count();
        assert!(full >= 4, "{full} full blocks");
        assert!(rows_of(&blocks) == rows);
    }
}

#[tokio::test]
async fn an_error_comes_after_the_rows_before_it() {
    let rows = some_rows();
    let error = [message(b'E', b"SERROR\0C57014\0Mcancelled\0\0"), message(b'Z', b"I")].concat();
    let (all, expected) = conversation(&rows, &error);
    let (seen, _, blocks) = through(&[&all], 8192).await;
    assert_eq!((seen, rows_of(&blocks)), (expected, rows));
}

#[tokio::test]
async fn the_format_is_told() {
    let all = [copy_out_response(1), message(b'd', b"x"), message(b'c', b""), completed()].concat();
    let (seen, format, _) = through(&[&all], 8192).await;
    assert_eq!((seen, format), (completed(), Some(Format::Binary)));
}

#[tokio::test]
async fn passes_everything_while_not_armed() {
    let (all, _) = conversation(&some_rows(), &completed());
    let (near, mut far) = duplex(1 << 20);
    let (mut tap, _handle) = Tap::new(near);
    far.write_all(&all).await.unwrap();
    drop(far);
    let mut seen = Vec::new();
    tap.read_to_end(&mut seen).await.unwrap();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn serves_one_copy_after_another() {
    let (near, mut far) = duplex(1 << 20);
    let (mut tap, handle) = Tap::new(near);
    let first = handle.arm_out();
    let copy = [copy_out_response(0), message(b'd', b"a"), message(b'c', b""), completed()].concat();
    far.write_all(&copy).await.unwrap();
    let mut seen = vec![0; completed().len()];
    tap.read_exact(&mut seen).await.unwrap();
    assert_eq!(rows_of(&received(first).await.1), [b"a"]);
    assert!(!handle.settle());
    // The second COPY fails before it begins: the arming is left over, and settling tells so.
    let second = handle.arm_out();
    assert!(handle.settle());
    assert_eq!(received(second).await.0, None);
}

#[tokio::test]
async fn drops_rows_when_the_receiver_is_gone() {
    let rows = vec![vec![1; 100_000]; 100];
    let (all, expected) = conversation(&rows, &completed());
    let (near, mut far) = duplex(1 << 20);
    let (mut tap, handle) = Tap::new(near);
    let mut cuts = handle.arm_out();
    let mut seen = Vec::new();
    let library = tap.read_to_end(&mut seen);
    let server = async {
        far.write_all(&all).await.unwrap();
        drop(far);
    };
    let taker = async {
        cuts.recv().await.unwrap();
        cuts.recv().await.unwrap();
        drop(cuts);
    };
    let (read, (), ()) = tokio::join!(library, server, taker);
    read.unwrap();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn refuses_lengths_that_cannot_be() {
    for length in [0u32, 3, 0x4001_0001, u32::MAX] {
        for tag in [b'd', b'D', b'Z'] {
            let (near, mut far) = duplex(1 << 20);
            let (mut tap, handle) = Tap::new(near);
            let _cuts = handle.arm_out();
            let head = [&copy_out_response(0)[..], &[tag], &length.to_be_bytes()].concat();
            far.write_all(&head).await.unwrap();
            let (error, _cuts) = tokio::join!(tap.read_u8(), async { _cuts });
            assert_eq!(error.unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }
}

/// A server that never stops to send rows.
struct Endless {
    rows: Vec<u8>,
    at: usize,
    read: usize,
}

impl AsyncRead for Endless {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while out.remaining() > 0 {
            let rest = &this.rows[this.at..];
            let count = rest.len().min(out.remaining());
            out.put_slice(&rest[..count]);
            this.at = (this.at + count) % this.rows.len();
            this.read += count;
        }
        Poll::Ready(Ok(()))
    }
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls until the tap waits for something that is not itself.
fn poll_until_idle(tap: &mut Tap<impl AsyncRead + Unpin>, woken: &Arc<Woken>) {
    let waker = Waker::from(Arc::clone(woken));
    let mut bytes = [0; 8192];
    loop {
        let before = woken.0.load(Ordering::SeqCst);
        let mut out = ReadBuf::new(&mut bytes);
        let poll = Pin::new(&mut *tap).poll_read(&mut Context::from_waker(&waker), &mut out);
        assert!(poll.is_pending(), "there is nothing for the library");
        if woken.0.load(Ordering::SeqCst) == before {
            return;
        }
    }
}

#[test]
fn reads_nothing_while_the_queue_is_full() {
    for row in [vec![b'r'; 20], vec![b'r'; 3 * BLOCK_BYTES], vec![]] {
        let held = BLOCKS_QUEUED + 2;
        // More than can be held, so that what begins the COPY comes once only.
        let count = if row.is_empty() { 2 * held * BLOCK_ROWS } else { 3 * held * BLOCK_BYTES / row.len() };
        let rows = [copy_out_response(0), message(b'd', &row).repeat(count)].concat();
        let (mut tap, handle) = Tap::new(Endless { rows, at: 0, read: 0 });
        let mut cuts = handle.arm_out();
        let woken = Arc::new(Woken::default());
        poll_until_idle(&mut tap, &woken);
        let bound =
            if row.is_empty() { held * BLOCK_ROWS * 5 } else { held * BLOCK_BYTES * (5 + row.len()) / row.len() };
        assert!(tap.stream.read <= bound + 2 * BLOCK_BYTES, "{} read, bound {bound}", tap.stream.read);
        // Polling again changes nothing, and one block taken lets one more in: the waker is not lost.
        let read = tap.stream.read;
        poll_until_idle(&mut tap, &woken);
        assert_eq!(tap.stream.read, read);
        let before = woken.0.load(Ordering::SeqCst);
        assert!(matches!(cuts.try_recv(), Ok(Cut::Start(_))));
        assert!(matches!(cuts.try_recv(), Ok(Cut::Block(_))));
        assert!(woken.0.load(Ordering::SeqCst) > before, "nobody was woken");
        poll_until_idle(&mut tap, &woken);
        assert!(tap.stream.read > read);
    }
}

/// A tap through which a COPY FROM STDIN has begun, its other end, and what feeds it.
async fn begun_in() -> (Tap<tokio::io::DuplexStream>, tokio::io::DuplexStream, TapHandle, mpsc::Sender<Fed>) {
    let (near, mut far) = duplex(1 << 20);
    let (mut tap, handle) = Tap::new(near);
    let pieces = handle.arm_in();
    let begin = [message(b'G', &[0, 0, 0]), message(b'N', b"\0")].concat();
    far.write_all(&begin).await.unwrap();
    let mut notice = [0; 6];
    tap.read_exact(&mut notice).await.unwrap();
    (tap, far, handle, pieces)
}

#[tokio::test]
async fn feeds_rows_past_the_library() {
    let (mut tap, mut far, _handle, pieces) = begun_in().await;
    for piece in ["abc", "", "de\n"] {
        let sent = async { pieces.send(Fed::Data(Bytes::from(piece))).await.unwrap() };
        tokio::join!(sent, async { tap.flush().await.unwrap() });
    }
    pieces.send(Fed::Done).await.unwrap();
    tap.flush().await.unwrap();
    // What the library writes comes after it.
    tap.write_all(&message(b'Q', b"x\0")).await.unwrap();
    drop(tap);
    let mut wire = Vec::new();
    far.read_to_end(&mut wire).await.unwrap();
    let expected = [message(b'd', b"abc"), message(b'd', b"de\n"), message(b'c', b""), message(b'Q', b"x\0")];
    assert_eq!(wire, expected.concat());
}

#[tokio::test]
async fn gives_up_when_the_sender_is_dropped() {
    let (mut tap, mut far, _handle, pieces) = begun_in().await;
    drop(pieces);
    tap.flush().await.unwrap();
    drop(tap);
    let mut wire = Vec::new();
    far.read_to_end(&mut wire).await.unwrap();
    assert_eq!(wire, message(b'f', b"the client has given up\0"));
}

#[tokio::test]
async fn the_library_waits_while_rows_are_fed() {
    let (mut tap, mut far, _handle, pieces) = begun_in().await;
    let query = message(b'Q', b"x\0");
    let library = async { tap.write_all(&query).await.unwrap() };
    let feeder = async {
        tokio::task::yield_now().await;
        pieces.send(Fed::Data(Bytes::from_static(b"row"))).await.unwrap();
        pieces.send(Fed::Done).await.unwrap();
    };
    tokio::join!(library, feeder);
    drop(tap);
    let mut wire = Vec::new();
    far.read_to_end(&mut wire).await.unwrap();
    assert_eq!(wire, [message(b'd', b"row"), message(b'c', b""), query].concat());
}

#[tokio::test]
async fn an_error_of_the_server_ends_the_feeding() {
    let (mut tap, mut far, _handle, pieces) = begun_in().await;
    let error = [message(b'E', b"SERROR\0\0"), message(b'Z', b"I")].concat();
    far.write_all(&error).await.unwrap();
    let mut seen = vec![0; error.len()];
    tap.read_exact(&mut seen).await.unwrap();
    assert_eq!(seen, error);
    assert!(pieces.send(Fed::Data(Bytes::from_static(b"row"))).await.is_err());
    tap.write_all(b"next").await.unwrap();
    drop(tap);
    let mut wire = Vec::new();
    far.read_to_end(&mut wire).await.unwrap();
    assert_eq!(wire, b"next");
}

#[tokio::test]
async fn what_the_server_said_last_is_read_before_the_write_fails() {
    let (mut tap, mut far, _handle, pieces) = begun_in().await;
    let error = message(b'E', b"SFATAL\0C57P01\0\0");
    far.write_all(&error).await.unwrap();
    drop(far);
    pieces.send(Fed::Data(Bytes::from_static(b"row"))).await.unwrap();
    tap.flush().await.unwrap();
    tap.write_all(b"more").await.unwrap();
    let mut seen = vec![0; error.len()];
    tap.read_exact(&mut seen).await.unwrap();
    assert_eq!(seen, error);
    assert_eq!(tap.read_u8().await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}
