//! The pages in every language that there is, written once, and which of them a reader gets.

use std::fmt;
use std::sync::Arc;

use super::accept;
use super::{ENGLISH, GERMAN, Stage, Texts, escape};
use crate::HeaderSource;
use crate::text::ParseError;

/// At least one language; the first is for readers who want none of them.
#[derive(Clone)]
pub(crate) struct Languages {
    first: Arc<Language>,
    rest: Vec<Arc<Language>>,
}

/// The pages in one language: those of the opt-out link as written once, and the words of those
/// that confirm.
pub(crate) struct Language {
    tag: String,
    pages: [Arc<str>; 4],
    texts: Texts,
}

/// A language that there are no texts of.
#[derive(Debug)]
pub(crate) struct UnknownLanguage;

impl Default for Languages {
    fn default() -> Self {
        Self { first: Language::new(&ENGLISH).into(), rest: vec![Language::new(&GERMAN).into()] }
    }
}

impl Languages {
    /// Adds a language, or puts its texts in the place of those that there are.
    pub(crate) fn insert(&mut self, texts: &Texts) -> Result<(), ParseError> {
        texts.check()?;
        let language = Arc::new(Language::new(texts));
        let mut others = std::iter::once(&mut self.first).chain(&mut self.rest);
        if let Some(other) = others.find(|other| other.tag.eq_ignore_ascii_case(&texts.lang)) {
            *other = language;
            return Ok(());
        }
        drop(others);
        self.rest.push(language);
        Ok(())
    }

    /// Makes a language the one for readers who want none of them.
    pub(crate) fn put_first(&mut self, tag: &str) -> Result<(), UnknownLanguage> {
        if self.first.tag.eq_ignore_ascii_case(tag) {
            return Ok(());
        }
        let chosen = self.rest.iter_mut().find(|language| language.tag.eq_ignore_ascii_case(tag));
        std::mem::swap(chosen.ok_or(UnknownLanguage)?, &mut self.first);
        Ok(())
    }

    /// The first language that the reader wants and there is, by RFC 4647's lookup: `de-CH` gets
    /// `de`. So as not to miss one that the reader understands, `pt` gets `pt-BR`.
    pub(crate) fn choose(&self, headers: &dyn HeaderSource) -> &Arc<Language> {
        let wanted = accept::wanted(headers);
        wanted.into_iter().find_map(|range| self.find(range)).unwrap_or(&self.first)
    }

    fn find(&self, range: &str) -> Option<&Arc<Language>> {
        if range == "*" {
            return Some(&self.first);
        }
        let mut shorter = Some(range);
        while let Some(tag) = shorter {
            if let Some(language) = self.iter().find(|language| language.tag.eq_ignore_ascii_case(tag)) {
                return Some(language);
            }
            shorter = tag.rsplit_once('-').map(|(start, _)| start);
        }
        let is_kind_of = |tag: &str| {
            tag.split_at_checked(range.len())
                .is_some_and(|(start, rest)| start.eq_ignore_ascii_case(range) && rest.starts_with('-'))
        };
        self.iter().find(|language| is_kind_of(&language.tag))
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<Language>> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

impl Language {
    fn new(texts: &Texts) -> Self {
        let pages = Stage::ALL.map(|page| page.html(texts).into());
        Self { tag: escape(&texts.lang), pages, texts: texts.clone() }
    }

    pub(crate) const fn texts(&self) -> &Texts {
        &self.texts
    }

    pub(crate) fn page(&self, page: Stage) -> Arc<str> {
        let [ask, done, damaged, failed] = &self.pages;
        Arc::clone(match page {
            Stage::Ask => ask,
            Stage::Done => done,
            Stage::Damaged => damaged,
            Stage::Failed => failed,
        })
    }
}

impl fmt::Debug for Languages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|language| &language.tag)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(languages: &Languages, accepted: &str) -> String {
        let mut headers = http::HeaderMap::new();
        headers.insert("accept-language", accepted.parse().unwrap());
        languages.choose(&headers).tag.clone()
    }

    fn texts(tag: &'static str) -> Texts {
        Texts { lang: tag.into(), ..ENGLISH }
    }

    #[test]
    fn a_reader_gets_the_first_language_that_there_is() {
        let mut languages = Languages::default();
        languages.insert(&texts("pt-BR")).unwrap();
        languages.insert(&texts("zh-Hant")).unwrap();
        for (accepted, expected) in [
            ("", "en"),
            ("fr", "en"),
            ("de", "de"),
            ("DE-ch", "de"),
            ("de-CH-1996, en", "de"),
            ("fr, de;q=0.3, en;q=0.2", "de"),
            ("de;q=0.3, en;q=0.5", "en"),
            ("de;q=0", "en"),
            ("*", "en"),
            ("fr, *;q=0.5, de;q=0.1", "en"),
            ("pt", "pt-BR"),
            ("pt-PT", "en"),
            ("PT-br", "pt-BR"),
            ("zh-Hant-TW", "zh-Hant"),
            ("zh", "zh-Hant"),
            ("d", "en"),
        ] {
            assert_eq!(chosen(&languages, accepted), expected, "{accepted}");
        }
    }

    #[test]
    fn the_app_chooses_the_language_of_readers_who_want_none_of_them() {
        let mut languages = Languages::default();
        languages.put_first("DE").unwrap();
        assert_eq!(chosen(&languages, "fr"), "de");
        assert_eq!(chosen(&languages, "en"), "en");
        assert!(languages.put_first("fr").is_err());
        languages.put_first("de").unwrap();
        assert_eq!(chosen(&languages, "*"), "de");
    }

    #[test]
    fn texts_of_the_app_take_the_place_of_built_in_ones() {
        let mut languages = Languages::default();
        languages.insert(&Texts { ask_title: "No receipts".into(), ..texts("EN") }).unwrap();
        assert_eq!(languages.iter().count(), 2);
        let english = languages.choose(&http::HeaderMap::new());
        assert!(english.page(Stage::Ask).contains("<h1>No receipts</h1>"));
        assert!(languages.insert(&texts("not a tag")).is_err());
    }
}
