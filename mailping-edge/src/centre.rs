//! One exchange with the centre over HTTP. It waits for no answer for ever, follows no redirect,
//! and believes nothing that the centre has not signed.

use std::sync::Arc;
use std::time::Duration;

use mailping_core::edge::{Answer, Batch};
use mailping_core::store::StoreError;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// How long the centre may take to be reached.
const CONNECT: Duration = Duration::from_secs(3);
/// How long an exchange may take as a whole.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most bytes of an answer that are read: far more than one has.
const MAX_ANSWER: u64 = 16 << 10;

/// Why the centre did not take a batch.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error("the exchange with the centre failed")]
    Failed(#[source] Box<ureq::Error>),
    #[error(
        "the centre does not let this edge in: its name is not among those that it accepts, or its keys are of another keyring"
    )]
    Stranger,
    #[error("the centre has another database now")]
    OtherDatabase,
    #[error("the centre takes no batches there: it must accept edges, at the base URL that this edge has")]
    NoRoute,
    #[error("this machine's clock is more than ten minutes ahead of the centre's: set it")]
    Ahead,
    #[error("the centre cannot keep the batch now")]
    Busy,
    #[error("the centre answered with the status {0}")]
    Status(u16),
    #[error("the answer is not one of the centre's to this batch")]
    NotSigned,
}

/// A client that trusts whom this machine trusts.
pub(crate) fn agent() -> Agent {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    let config = Agent::config_builder()
        .timeout_connect(Some(CONNECT))
        .timeout_global(Some(PATIENCE))
        .user_agent(concat!("mailping-edge/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls);
    config.build().into()
}

/// Sends a batch and reads the answer to it.
pub(crate) fn exchange(agent: &Agent, url: &str, batch: &Batch) -> Result<Answer, StoreError> {
    send(agent, url, batch).map_err(StoreError::unavailable)
}

fn send(agent: &Agent, url: &str, batch: &Batch) -> Result<Answer, NotTaken> {
    let failed = |error| NotTaken::Failed(Box::new(error));
    let request = agent.post(url).content_type("text/plain");
    let request =
        request.config().http_status_as_error(false).max_redirects(0).max_redirects_will_error(false);
    let mut response = request.build().send(batch.as_bytes()).map_err(failed)?;
    match response.status().as_u16() {
        200 => {}
        401 => return Err(NotTaken::Stranger),
        404 | 405 => return Err(NotTaken::NoRoute),
        409 => return Err(NotTaken::OtherDatabase),
        425 => return Err(NotTaken::Ahead),
        503 => return Err(NotTaken::Busy),
        status => return Err(NotTaken::Status(status)),
    }
    let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().map_err(failed)?;
    batch.read_answer(&body).ok_or(NotTaken::NotSigned)
}
