//! The answer: when it is ready.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::header::CONNECTION;
use http::{HeaderValue, Method, Request, Response, Version};
use http_body::Body;
use http_body_util::Full;

/// The most bytes of a body that are read and thrown away to keep its connection.
const MAX_UNREAD_BODY: usize = 16 * 1024;

/// An answer under way. Dropping it loses no open.
#[must_use = "futures do nothing unless polled"]
pub struct PixelFuture<B> {
    answering: Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>,
    answer: Option<Response<Full<Bytes>>>,
    version: Version,
    head: bool,
    /// What is left to read of the request, which is usually nothing. It says nothing that is
    /// needed, but hyper closes a connection with an unread body without saying so.
    unread: Option<Pin<Box<B>>>,
    read: usize,
}

impl<B: Body> PixelFuture<B> {
    pub(crate) fn new(
        answering: impl Future<Output = Response<Bytes>> + Send + 'static,
        request: Request<B>,
    ) -> Self {
        let (version, head) = (request.version(), request.method() == Method::HEAD);
        let body = request.into_body();
        let unread = (!body.is_end_stream()).then(|| Box::pin(body));
        Self { answering: Box::pin(answering), answer: None, version, head, unread, read: 0 }
    }

    /// Whether the connection can go on, once the body is read or is too long to be.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        while let Some(body) = self.unread.as_mut().filter(|body| !body.is_end_stream()) {
            match ready!(body.as_mut().poll_frame(context)) {
                None => break,
                Some(Ok(frame)) if self.read <= MAX_UNREAD_BODY => {
                    self.read += frame.data_ref().map_or(0, Buf::remaining);
                }
                Some(_) => return Poll::Ready(false),
            }
        }
        Poll::Ready(true)
    }
}

impl<B: Body> Future for PixelFuture<B> {
    type Output = Result<Response<Full<Bytes>>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.answer.is_none() {
            let mut answer = ready!(this.answering.as_mut().poll(context)).map(Full::new);
            if this.head {
                // Over HTTP/2 hyper sends whatever there is.
                *answer.body_mut() = Full::default();
            }
            this.answer = Some(answer);
        }
        let goes_on = ready!(this.poll_read(context));
        let mut answer = this.answer.take().unwrap_or_default();
        if !goes_on && this.version <= Version::HTTP_11 {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(answer))
    }
}

impl<B> fmt::Debug for PixelFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PixelFuture")
    }
}
