//! What the codes mean that stores keep.

use crate::fetcher::{Evidence, Fetcher, Provider, Verdict};
use crate::milestone::MilestoneKind;
use crate::{Detail, EprivacyGround, MessageKind, Purpose, Status, TimeStep};

/// What each code means that a row of a ping or an open may hold: the column that it stands in, the
/// code, or the number of its bit in `evidence`, and the name. For a table beside the rows, so that
/// people can read them with SQL.
pub fn code_names() -> impl Iterator<Item = (&'static str, u8, &'static str)> {
    macro_rules! names {
        ($column:literal, $kind:ty) => {
            <$kind>::ALL.iter().map(|one| ($column, one.code(), one.as_str()))
        };
    }
    names!("fetcher", Fetcher)
        .chain(names!("provider", Provider))
        .chain(names!("verdict", Verdict))
        .chain(names!("time_step", TimeStep))
        .chain(names!("detail", Detail))
        .chain(names!("status", Status))
        .chain(names!("purpose", Purpose))
        .chain(names!("kind", MessageKind))
        .chain(names!("eprivacy", EprivacyGround))
        .chain(names!("milestone", MilestoneKind))
        .chain(Evidence::ALL.iter().map(|one| ("evidence", *one as u8, one.as_str())))
}
