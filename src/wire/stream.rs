//! The byte stream to a server: TCP, a Unix socket, or TLS over TCP, as one type.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::tls::ChannelBinding;

use super::conninfo::Keepalive;

/// A stream to a server.
pub struct Stream {
    transport: Transport,
    /// Whether our side has been shut down.
    shut: bool,
}

enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls {
        stream: Box<tokio_rustls::client::TlsStream<TcpStream>>,
        /// What a login can be bound to: the hash of the server's certificate.
        end_point: Option<Vec<u8>>,
    },
}

impl Stream {
    pub(super) fn tcp(stream: TcpStream) -> Self {
        Self { transport: Transport::Tcp(stream), shut: false }
    }

    pub(super) fn unix(stream: UnixStream) -> Self {
        Self { transport: Transport::Unix(stream), shut: false }
    }

    pub(super) fn tls(stream: tokio_rustls::client::TlsStream<TcpStream>, end_point: Option<Vec<u8>>) -> Self {
        Self { transport: Transport::Tls { stream: Box::new(stream), end_point }, shut: false }
    }

    /// Whether it is encrypted.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self.transport, Transport::Tls { .. })
    }

    /// Reads and throws away until the server has closed its side.
    fn poll_server_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; 512];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = match &mut self.transport {
                Transport::Tcp(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
                Transport::Unix(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
                // Beneath the encryption: the server ends that before its process ends.
                Transport::Tls { stream, .. } => Pin::new(stream.get_mut().0).poll_read(cx, &mut buffer),
            };
            if ready!(read).is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

/// Small messages go at once, and a connection that rests is kept alive.
pub(super) fn tune(stream: &TcpStream, keepalive: &Keepalive) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    if keepalive.on {
        // The system takes whole seconds, and no more than it can count.
        let bounded = |time: Duration| time.min(Duration::from_secs(32_767));
        let probes = TcpKeepalive::new()
            .with_time(bounded(keepalive.idle))
            .with_interval(bounded(keepalive.interval))
            .with_retries(keepalive.count.min(127));
        socket.set_tcp_keepalive(&probes)?;
    }
    #[cfg(target_os = "linux")]
    if let Some(timeout) = keepalive.user_timeout {
        socket.set_tcp_user_timeout(Some(timeout))?;
    }
    Ok(())
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Transport::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
            Transport::Tls { stream, .. } => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Transport::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Transport::Tls { stream, .. } => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
            Transport::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
            Transport::Tls { stream, .. } => Pin::new(stream).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Tcp(stream) => stream.is_write_vectored(),
            Transport::Unix(stream) => stream.is_write_vectored(),
            Transport::Tls { stream, .. } => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Transport::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Transport::Tls { stream, .. } => Pin::new(stream).poll_flush(cx),
        }
    }

    /// Ends our side, then waits until the server has closed its own. The system does that when the server's process
    /// has ended (`socket_close` in `pqcomm.c` leaves it open for this very purpose), so that whoever comes next does
    /// not find our session still there.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.shut {
            ready!(match &mut this.transport {
                Transport::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
                Transport::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
                Transport::Tls { stream, .. } => Pin::new(stream).poll_shutdown(cx),
            })?;
            this.shut = true;
        }
        this.poll_server_gone(cx).map(Ok)
    }
}

impl tokio_postgres::tls::TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.transport {
            Transport::Tls { end_point: Some(hash), .. } => ChannelBinding::tls_server_end_point(hash.clone()),
            _ => ChannelBinding::none(),
        }
    }
}
