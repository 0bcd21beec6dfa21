//! The answer: when it is ready, and its body.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use mailping_core::mount::{Answer, Answering};
use mailping_core::pixel;

/// The most bytes of a body that are read and thrown away to keep its connection.
const MAX_UNREAD_BODY: usize = 16 * 1024;

/// An answer under way. Dropping it loses no open.
#[must_use = "futures do nothing unless polled"]
pub struct PixelFuture<B> {
    answering: Answering,
    answer: Option<Response<PixelBody>>,
    version: Version,
    head: bool,
    /// What is left to read of the request, which is usually nothing. It says nothing that is
    /// needed, but hyper closes a connection with an unread body without saying so.
    unread: Option<Pin<Box<B>>>,
    read: usize,
}

impl<B: Body> PixelFuture<B> {
    pub(crate) fn new(answering: Answering, request: Request<B>) -> Self {
        let (version, head) = (request.version(), request.method() == Method::HEAD);
        let body = request.into_body();
        let unread = (!body.is_end_stream()).then(|| Box::pin(body));
        Self { answering, answer: None, version, head, unread, read: 0 }
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
    type Output = Result<Response<PixelBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.answer.is_none() {
            let mut answer = response(&ready!(Pin::new(&mut this.answering).poll(context)));
            if this.head {
                // Over HTTP/2 hyper sends whatever there is.
                *answer.body_mut() = PixelBody::default();
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

/// Parsed once, with the length that a server would write for each answer anew.
static PICTURE: LazyLock<HeaderMap> = LazyLock::new(|| headers(&pixel::HEADERS, pixel::BYTES.len()));

fn headers(lines: &'static [(&'static str, &'static str)], length: usize) -> HeaderMap {
    let lines =
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    lines.chain([(CONTENT_LENGTH, HeaderValue::from(length))]).collect()
}

fn response(answer: &Answer) -> Response<PixelBody> {
    let (headers, body) = if answer.is_picture() {
        (PICTURE.clone(), Bytes::from_static(&pixel::BYTES))
    } else {
        (headers(answer.headers(), answer.body().len()), Bytes::copy_from_slice(answer.body()))
    };
    let mut response = Response::new(PixelBody(body));
    *response.status_mut() = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    *response.headers_mut() = headers;
    response
}

/// The picture or a page, whole.
#[derive(Debug, Clone, Default)]
pub struct PixelBody(Bytes);

impl Body for PixelBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = std::mem::take(&mut self.0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}
