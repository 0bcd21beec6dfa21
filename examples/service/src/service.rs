//! Everything of an example service but the pixel: who may ask for it, and where it is answered.

use http::StatusCode;
use mailping_core::mount::Mount;
use mailping_core::{Detail, Tracker};
use tokio::sync::mpsc;

use crate::admin::{Access, Admin};
use crate::api::{Api, not_found};
use crate::assets;
use crate::call::{Answer, Call};
use crate::erasures::{Erasure, Erasures};
use crate::guard::Guard;
use crate::live::Places;
use crate::metrics;
use crate::pages::{self, login};
use crate::settings::{Prefix, Settings};
use crate::why::Setup;

/// Everything of an example service but the pixel.
#[derive(Debug, Clone)]
pub struct Service {
    pub(crate) tracker: Tracker,
    mount: Mount,
    pub(crate) admin: Admin,
    pub(crate) guard: Guard,
    pub(crate) places: Places,
    pub(crate) setup: Setup,
    pub(crate) prefix: Prefix,
    pub(crate) ceiling: Detail,
    pub(crate) erasures: Erasures,
}

impl Service {
    /// The service of a tracker that the settings have built, with the settings' admin token.
    #[must_use]
    pub fn new(settings: &Settings, tracker: Tracker) -> Self {
        let admin = Admin::new(settings.admin_token.clone());
        Self {
            guard: Guard::new(&settings.base_url.origin, admin.is_open()),
            setup: Setup::new(&settings.base_url.to_string(), settings.geo_built.get().copied()),
            places: Places::default(),
            mount: Mount::new(tracker.clone()),
            prefix: settings.base_url.prefix.clone(),
            ceiling: settings.ceiling,
            erasures: Erasures::default(),
            tracker,
            admin,
        }
    }

    /// The same service, which tells of erasures before it answers them.
    #[must_use]
    pub fn telling_erasures(self, sender: mpsc::Sender<Erasure>) -> Self {
        Self { erasures: Erasures::to(sender), ..self }
    }

    /// The tracker.
    #[must_use]
    pub fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// The paths to mount the pixel's routes at: a proxy may take a path prefix off, or leave it.
    #[must_use]
    pub fn pixel_paths(&self) -> Vec<String> {
        self.prefix.pixel_paths()
    }

    /// Answers one request. To be called within a tokio runtime, which live pages run on.
    pub async fn answer(&self, mut call: Call<'_>) -> Answer {
        // Whatever comes in here was not below the pixel's routes.
        self.mount.stray(call.path);
        call.path = self.prefix.strip(call.path);
        self.route(&call).await.unwrap_or_else(|answer| answer)
    }

    async fn route(&self, call: &Call<'_>) -> Result<Answer, Answer> {
        self.guard.admit(call)?;
        if let Some(asset) = assets::answer(call.path).filter(|_| call.reads()) {
            return Ok(asset);
        }
        let access = self.admin.access(call).await;
        let below_api = call.path.strip_prefix("/api/");
        if let Some(path) = below_api.or((call.path == "/metrics").then_some("metrics")) {
            return match access {
                Access::None => {
                    let message = "give the admin token as `Authorization: Bearer ...`";
                    Err(Answer::error(StatusCode::UNAUTHORIZED, "unauthorized", None, message))
                }
                Access::TooManyGuesses => Err(too_many_guesses()),
                _ if below_api.is_none() && call.reads() => {
                    Ok(metrics::answer(&self.tracker.intake().health()))
                }
                _ => Api { tracker: &self.tracker, erasures: &self.erasures }.answer(path, call).await,
            };
        }
        match (call.path, access) {
            ("/login", access) => login::answer(self, call, &access).await,
            ("/api", _) => Err(not_found()),
            (_, Access::TooManyGuesses) => Err(too_many_guesses()),
            (path, Access::None) if call.reads() => Err(login::redirect(&self.prefix, path)),
            (_, Access::None) => Err(login::redirect(&self.prefix, "/")),
            (_, access) => pages::answer(self, call, &access).await,
        }
    }
}

fn too_many_guesses() -> Answer {
    let message =
        "too many wrong tokens within a minute, and this is wrong, too; the right one is let in at once";
    Answer::error(StatusCode::TOO_MANY_REQUESTS, "too_many_guesses", None, message).with("retry-after", "60")
}
