//! A receiver of webhooks whose every answer the test gives.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver as Channel, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use standardwebhooks::Webhook;

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwmgJ4q7kLcHQ=";
/// How long a message is waited for: several of the pauses between attempts, and half a minute more
/// if the program before was ended during one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A message as it arrived; it is answered when the sender is used or dropped.
pub(crate) struct Arrived {
    pub(crate) headers: HeaderMap,
    body: Bytes,
    answer: tokio::sync::oneshot::Sender<(StatusCode, Option<String>)>,
}

impl Arrived {
    pub(crate) fn id(&self) -> String {
        self.headers["webhook-id"].to_str().unwrap().to_owned()
    }

    /// What it says, once its signature has been verified.
    pub(crate) fn json(&self) -> Value {
        Webhook::new(SECRET).unwrap().verify(&self.body, &self.headers).unwrap();
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn answer(self, status: u16) {
        self.answer.send((StatusCode::from_u16(status).unwrap(), None)).unwrap();
    }

    pub(crate) fn ask_for_a_pause(self, status: u16, retry_after: &str) {
        let answer = (StatusCode::from_u16(status).unwrap(), Some(retry_after.to_owned()));
        self.answer.send(answer).unwrap();
    }
}

type Hand = Arc<Mutex<Sender<Arrived>>>;

async fn take(State(hand): State<Hand>, headers: HeaderMap, body: Bytes) -> Response {
    let (answer, answered) = tokio::sync::oneshot::channel();
    hand.lock().unwrap().send(Arrived { headers, body, answer }).unwrap();
    let (status, retry_after) = answered.await.unwrap_or((StatusCode::INTERNAL_SERVER_ERROR, None));
    // Only a redirect makes anyone look at it: whoever follows arrives again, without the message.
    let mut response = (status, [("location", "/elsewhere")]).into_response();
    if let Some(pause) = retry_after {
        response.headers_mut().insert("retry-after", pause.parse().unwrap());
    }
    response
}

/// A receiver whose every answer is given by the test; it ends when this is dropped.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    arrived: Channel<Arrived>,
    _runtime: tokio::runtime::Runtime,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        Self::on(nobody())
    }

    pub(crate) fn on(address: SocketAddr) -> Self {
        let (sender, arrived) = channel();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let app = Router::new().fallback(take).with_state(Arc::new(Mutex::new(sender)));
        let listener = runtime.block_on(tokio::net::TcpListener::bind(address)).unwrap();
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { address, arrived, _runtime: runtime }
    }

    /// Whether nothing arrives for a while.
    pub(crate) fn is_quiet_for(&self, while_: Duration) -> bool {
        self.arrived.recv_timeout(while_).is_err()
    }

    pub(crate) fn next(&self) -> Arrived {
        self.arrived.recv_timeout(PATIENCE).unwrap()
    }
}

/// An address on which nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
