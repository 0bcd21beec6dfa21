//! The page behind the link that confirms receipt: it asks before it does anything, since scanners
//! fetch every link of a message, and it says that something is kept only once it is on disk.
//!
//! A confirmation is an act of its own: whoever presses the button wants the sender to know. So it
//! is kept also if the pixel is blocked or objected to, unless the recipient has objected to
//! everything. A request that a program seems to have sent confirms nothing.

mod press;

use std::borrow::Cow;
use std::sync::Arc;

use crate::milestone::{Milestone, MilestoneKind};
use crate::opt_out::{self, Language, REFERENCE, SENDER, Texts};
use crate::store::Recorded;
use crate::token::{Label, Token};
use crate::{Ping, PixelRequest, Tracker, links};

/// What a page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// The answer to `GET`: who asks for what, and a button to confirm. Showing it changes nothing.
    Ask,
    /// Receipt is confirmed, now or before.
    Done,
    /// The ping takes no confirmation, or there is none: it does not tell which.
    Closed,
    /// The answer to `POST` if the request was not one of the recipient in person.
    Unproven,
    /// The answer to any method if the link's token is damaged or not ours.
    Damaged,
    /// The store did not answer before the page could ask. It has no button: nobody confirms
    /// without having read who asks, what is kept, and that it cannot be taken back.
    Unavailable,
    /// The store did not answer to a press of the button, which is there again.
    Failed,
}

impl Page {
    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::Ask | Self::Done => 200,
            Self::Damaged => 400,
            Self::Unproven => 403,
            Self::Closed => 410,
            Self::Unavailable | Self::Failed => 503,
        }
    }

    /// The whole page. `ping` is who asks for what, on the page that asks.
    pub(crate) fn html(self, texts: &Texts, ping: Option<&Ping>) -> String {
        let (title, text, button) = match self {
            Self::Ask => (&texts.confirm_title, &texts.confirm_text, Some(&*texts.confirm_button)),
            Self::Done => (&texts.confirmed_title, &texts.confirmed_text, None),
            Self::Closed => (&texts.closed_title, &texts.closed_text, None),
            Self::Unproven => (&texts.unproven_title, &texts.unproven_text, None),
            Self::Damaged => (&texts.damaged_title, &texts.confirm_damaged_text, None),
            Self::Unavailable => (&texts.confirm_failed_title, &texts.confirm_failed_text, None),
            Self::Failed => {
                (&texts.confirm_failed_title, &texts.confirm_failed_text, Some(&*texts.failed_button))
            }
        };
        let asked_by = ping.and_then(|ping| ping.asked_by.as_deref()).unwrap_or_default();
        let reference = ping
            .filter(|ping| ping.shows_reference)
            .map(|ping| texts.confirm_reference.replace(REFERENCE, &ping.reference));
        let mut paragraphs: Vec<Cow<'_, str>> =
            opt_out::paragraphs(text).map(|paragraph| paragraph.replace(SENDER, asked_by).into()).collect();
        // Right after who asks.
        if let Some(reference) = reference {
            paragraphs.insert(paragraphs.len().min(1), reference.into());
        }
        opt_out::html(texts, title, paragraphs.iter().map(AsRef::as_ref), button)
    }
}

/// A page to answer with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) html: String,
}

impl Shown {
    pub(crate) fn new(page: Page, language: &Language) -> Self {
        Self { status: page.status(), html: page.html(language.texts(), None) }
    }
}

/// The token in a path; the store is not asked for one that is not ours.
pub(crate) fn token(tracker: &Tracker, path: &str) -> Option<Token> {
    links::token(path, Label::Confirm, &tracker.0.observer.keys)
}

/// Who asks for what; it changes nothing.
pub(crate) async fn ask(tracker: Tracker, token: Token, language: Arc<Language>) -> Shown {
    let inner = &tracker.0;
    match inner.store.ping(token.ping).await {
        Ok(Some(ping)) if ping.milestones.iter().any(is_confirmation) => Shown::new(Page::Done, &language),
        Ok(Some(ping)) => {
            let now = Milestone::new(ping.id, MilestoneKind::Confirmed, inner.now());
            if !ping.takes(&now) {
                return Shown::new(Page::Closed, &language);
            }
            Shown { status: Page::Ask.status(), html: Page::Ask.html(language.texts(), Some(&ping)) }
        }
        Ok(None) => Shown::new(Page::Closed, &language),
        Err(failure) => {
            note(&failure, "a message could not be looked up for whoever wants to confirm its receipt");
            Shown::new(Page::Unavailable, &language)
        }
    }
}

/// What may be kept of a click, judged while its request is here. `None` if it says nothing of the
/// recipient: a program sent it, no button of ours was pressed, or it came from the sender's own
/// network.
pub(crate) fn judge(tracker: &Tracker, token: Token, request: &PixelRequest<'_>) -> Option<Milestone> {
    let inner = &tracker.0;
    if !press::may_be_press(request.headers, &inner.base_url) {
        return None;
    }
    inner.observer.judge_confirmation(token, request, inner.now(), inner.acceptances.of(token.ping))
}

/// Keeps a confirmation, and says so once it is on disk. The first stays; what was confirmed before
/// is confirmed.
pub(crate) async fn confirm(
    tracker: Tracker,
    milestone: Option<Milestone>,
    language: Arc<Language>,
) -> Shown {
    let page = match milestone {
        None => Page::Unproven,
        Some(milestone) => match tracker.0.store.reach(&milestone).await {
            Ok(Recorded::Durable) => {
                tracker.0.queue.bell().ring();
                Page::Done
            }
            Ok(_) => Page::Closed,
            Err(failure) => {
                note(&failure, "a confirmation was not kept; its sender was asked to try again");
                Page::Failed
            }
        },
    };
    Shown::new(page, &language)
}

fn is_confirmation(milestone: &Milestone) -> bool {
    milestone.kind == MilestoneKind::Confirmed
}

/// Logs what a recipient asked for and did not get.
pub(crate) fn note(failure: &dyn std::error::Error, what: &'static str) {
    let source = failure.source().map(ToString::to_string);
    tracing::error!(%failure, source, "{what}");
}
