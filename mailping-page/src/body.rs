//! The body of an answer: whole, or as it happens.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Frame, SizeHint};

use crate::answer::Body;

/// The body of an answer. It never fails.
#[derive(Debug)]
pub struct PageBody(Body);

impl PageBody {
    /// `None` if it goes on.
    pub(crate) fn len(&self) -> Option<usize> {
        match &self.0 {
            Body::Whole(bytes) => Some(bytes.len()),
            Body::Live(_) => None,
        }
    }

    /// All of it, or the stream.
    #[cfg(feature = "actix")]
    pub(crate) fn into_inner(self) -> Body {
        self.0
    }
}

/// Empty.
impl Default for PageBody {
    fn default() -> Self {
        Self(Body::Whole(Bytes::new()))
    }
}

impl From<Body> for PageBody {
    fn from(body: Body) -> Self {
        Self(body)
    }
}

impl http_body::Body for PageBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Body::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Body::Live(live) => {
                Pin::new(live).poll_next(context).map(|bytes| bytes.map(|bytes| bytes.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.len() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.len().map_or_else(SizeHint::default, |length| SizeHint::with_exact(length as u64))
    }
}
