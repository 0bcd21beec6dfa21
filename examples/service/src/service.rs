//! Everything of an example service but the pixel: who may ask for it, and where it is answered.

use http::StatusCode;
use mailping_core::Tracker;

use crate::admin::{Access, Admin};
use crate::api::{Api, not_found};
use crate::assets;
use crate::call::{Answer, Call};
use crate::guard::Guard;
use crate::live::Places;
use crate::metrics;
use crate::pages::{self, login};
use crate::settings::Settings;
use crate::why::Setup;

/// Everything of an example service but the pixel.
#[derive(Debug, Clone)]
pub struct Service {
    pub(crate) tracker: Tracker,
    pub(crate) admin: Admin,
    pub(crate) guard: Guard,
    pub(crate) places: Places,
    pub(crate) setup: Setup,
}

impl Service {
    /// The service of a tracker that the settings have built, with the settings' admin token.
    #[must_use]
    pub fn new(settings: &Settings, tracker: Tracker) -> Self {
        let admin = Admin::new(settings.admin_token.clone());
        Self {
            guard: Guard::new(&settings.base_url, admin.is_open()),
            setup: Setup::new(&settings.base_url, settings.geo_built.get().copied()),
            places: Places::default(),
            tracker,
            admin,
        }
    }

    /// Answers one request. To be called within a tokio runtime, which live pages run on.
    pub async fn answer(&self, call: Call<'_>) -> Answer {
        self.route(&call).await.unwrap_or_else(|answer| answer)
    }

    async fn route(&self, call: &Call<'_>) -> Result<Answer, Answer> {
        self.guard.admit(call)?;
        if let Some(asset) = assets::answer(call.path).filter(|_| call.reads()) {
            return Ok(asset);
        }
        let access = self.admin.access(call);
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
                _ => Api { tracker: &self.tracker }.answer(path, call).await,
            };
        }
        match (call.path, access) {
            ("/login", access) => login::answer(self, call, &access),
            ("/api", _) => Err(not_found()),
            (_, Access::TooManyGuesses) => Err(too_many_guesses()),
            (path, Access::None) if call.reads() => Err(login::redirect(path)),
            (_, Access::None) => Err(login::redirect("/")),
            (_, access) => pages::answer(self, call, &access).await,
        }
    }
}

fn too_many_guesses() -> Answer {
    let message = "too many wrong tokens: none is looked at for a minute";
    Answer::error(StatusCode::TOO_MANY_REQUESTS, "too_many_guesses", None, message).with("retry-after", "60")
}
