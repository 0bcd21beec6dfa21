//! Whom to name beside places: the licences of free geo databases ask for it.

/// Where places come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) url: &'static str,
    pub(crate) text: &'static str,
}

impl Source {
    /// By the type that a database names.
    #[cfg(any(feature = "maxmind", test))]
    pub(crate) fn of(types: &[String]) -> Option<Self> {
        const SOURCES: [(&str, Source); 3] = [
            ("dbip", Source { url: "https://db-ip.com", text: "IP Geolocation by DB-IP" }),
            (
                "geolite2",
                Source {
                    url: "https://www.maxmind.com",
                    text: "This product includes GeoLite data created by MaxMind",
                },
            ),
            ("ipinfo", Source { url: "https://ipinfo.io", text: "IP address data powered by IPinfo" }),
        ];
        let known = |kind: &String| {
            let kind = kind.to_ascii_lowercase().replace('-', "");
            SOURCES.iter().find(|(start, _)| kind.starts_with(start)).map(|(_, source)| *source)
        };
        types.iter().find_map(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_databases_maker_is_named() {
        let of = |kind: &str| Source::of(&[kind.to_owned()]).map(|source| source.url);
        for kind in ["DBIP-City-Lite", "DBIP-City-Lite (compat=City)", "DBIP-Country-Lite"] {
            assert_eq!(of(kind), Some("https://db-ip.com"), "{kind}");
        }
        assert_eq!(of("GeoLite2-City"), Some("https://www.maxmind.com"));
        assert_eq!(of("ipinfo bundle_location_lite.mmdb"), Some("https://ipinfo.io"));
        for own in ["GeoIP2-City", "mailping-documentation-City", ""] {
            assert_eq!(of(own), None, "{own}");
        }
    }
}
