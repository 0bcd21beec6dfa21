//! Countries by their codes: a name in English and a point for the map; and the map's land.
//!
//! Names are those of Unicode CLDR 48, shorter where it has a shorter one. Points are the middle of
//! a country's largest part, and the land is where more than a third of a cell of 3 degrees is
//! land: both from Natural Earth 1:50m, which is in the public domain.

/// A name, and a point in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CountryOnMap {
    pub(crate) name: &'static str,
    latitude: i16,
    longitude: i16,
}

/// Degrees of a cell of the map.
const CELL: i16 = 3;
/// The latitude of the map's upper edge.
const TOP: i16 = 78;
/// The map's size in cells.
pub(crate) const MAP: (i16, i16) = (120, 45);

impl CountryOnMap {
    /// By its code of two upper-case letters.
    pub(crate) fn of(code: &str) -> Option<Self> {
        let at = COUNTRIES.binary_search_by_key(&code, |country| country.0).ok()?;
        COUNTRIES.get(at).map(|(_, name, latitude, longitude)| Self {
            name,
            latitude: *latitude,
            longitude: *longitude,
        })
    }

    /// Where it is on the map, in cells from its upper left corner.
    pub(crate) fn point(self) -> (f32, f32) {
        let cell = f32::from(CELL);
        let x = (f32::from(self.longitude) + 180.0) / cell - 0.5;
        let y = (f32::from(TOP) - f32::from(self.latitude)) / cell - 0.5;
        (x.clamp(0.0, f32::from(MAP.0)), y.clamp(0.0, f32::from(MAP.1)))
    }
}

/// A path with a line for each run of cells in a row.
pub(crate) const LAND: &str = "\
    M22 0h1M27 0h6M38 0h14M94 0h3M19 1h3M24 1h.01M26 1h2M30 1h.01M32 1h.01M34 1h.01M41 1h11\
    M78 1h.01M85 1h.01M87 1h12M101 1h1M107 1h.01M5 2h8M15 2h4M21 2h4M27 2h10M42 2h10M65 2h5\
    M80 2h35M117 2h2M1 3h63M73 3h2M2 4h1M6 4h26M34 4h4M43 4h3M52 4h3M62 4h56M5 5h23M34 5h1\
    M44 5h1M62 5h3M67 5h50M7 6h1M14 6h14M34 6h4M58 6h.01M62 6h.01M64 6h1M68 6h38M113 6h.01\
    M16 7h15M34 7h5M58 7h.01M63 7h2M67 7h38M112 7h1M17 8h23M57 8h.01M59 8h.01M62 8h44M112 8h.01\
    M18 9h21M41 9h.01M59 9h48M19 10h19M59 10h46M19 11h17M57 11h12M73 11h2M77 11h27M107 11h.01\
    M19 12h16M57 12h3M65 12h2M69 12h7M78 12h24M19 13h15M57 13h2M67 13h.01M69 13h7M78 13h21\
    M102 13h.01M106 13h.01M20 14h13M58 14h5M72 14h27M102 14h.01M104 14h1M21 15h11M57 15h11\
    M71 15h28M22 16h5M32 16h.01M56 16h19M77 16h23M22 17h.01M24 17h3M55 17h21M79 17h20M25 18h1\
    M33 18h.01M54 18h17M73 18h6M83 18h14M25 19h2M30 19h.01M36 19h.01M55 19h23M84 19h4M91 19h5\
    M27 20h3M54 20h18M74 20h3M84 20h2M92 20h3M100 20h.01M30 21h1M54 21h21M85 21h1M93 21h2\
    M100 21h.01M31 22h.01M35 22h3M55 22h21M85 22h1M95 22h.01M34 23h5M56 23h20M93 23h.01\
    M101 23h.01M34 24h8M57 24h.01M62 24h13M92 24h1M98 24h1M34 25h8M63 25h11M93 25h1M96 25h2\
    M33 26h11M63 26h10M93 26h1M96 26h2M100 26h.01M33 27h14M64 27h8M94 27h.01M105 27h2M33 28h14\
    M64 28h8M96 28h.01M106 28h2M34 29h13M64 29h8M34 30h12M64 30h9M76 30h.01M103 30h2M107 30h.01\
    M35 31h11M64 31h8M75 31h1M101 31h4M107 31h1M37 32h9M64 32h7M75 32h.01M100 32h8M37 33h8\
    M65 33h6M74 33h1M98 33h11M36 34h7M65 34h5M98 34h12M36 35h7M65 35h5M98 35h12M36 36h6M66 36h3\
    M98 36h12M36 37h5M66 37h.01M99 37h.01M105 37h4M35 38h5M107 38h2M118 38h.01M35 39h3\
    M118 39h.01M36 40h2M116 40h1M35 41h2M116 41h.01M35 42h1M35 43h1";

#[rustfmt::skip]
const COUNTRIES: [(&str, &str, i16, i16); 250] = [
    ("AD", "Andorra", 43, 2), ("AE", "United Arab Emirates", 24, 54),
    ("AF", "Afghanistan", 34, 66), ("AG", "Antigua & Barbuda", 17, -62),
    ("AI", "Anguilla", 18, -63), ("AL", "Albania", 41, 20), ("AM", "Armenia", 40, 45),
    ("AO", "Angola", -12, 18), ("AQ", "Antarctica", -79, -48), ("AR", "Argentina", -35, -65),
    ("AS", "American Samoa", -14, -171), ("AT", "Austria", 48, 14), ("AU", "Australia", -26, 134),
    ("AW", "Aruba", 13, -70), ("AX", "\u{c5}land Islands", 60, 20), ("AZ", "Azerbaijan", 40, 48),
    ("BA", "Bosnia & Herzegovina", 44, 18), ("BB", "Barbados", 13, -60),
    ("BD", "Bangladesh", 24, 90), ("BE", "Belgium", 51, 5), ("BF", "Burkina Faso", 12, -2),
    ("BG", "Bulgaria", 43, 25), ("BH", "Bahrain", 26, 51), ("BI", "Burundi", -3, 30),
    ("BJ", "Benin", 10, 2), ("BL", "St. Barth\u{e9}lemy", 18, -63), ("BM", "Bermuda", 32, -65),
    ("BN", "Brunei", 4, 115), ("BO", "Bolivia", -17, -65),
    ("BQ", "Caribbean Netherlands", 12, -68), ("BR", "Brazil", -11, -53),
    ("BS", "Bahamas", 25, -78), ("BT", "Bhutan", 27, 90), ("BV", "Bouvet Island", -54, 3),
    ("BW", "Botswana", -22, 24), ("BY", "Belarus", 54, 28), ("BZ", "Belize", 17, -89),
    ("CA", "Canada", 58, -102), ("CC", "Cocos (Keeling) Islands", -12, 97),
    ("CD", "Congo - Kinshasa", -3, 24), ("CF", "Central African Republic", 7, 20),
    ("CG", "Congo - Brazzaville", -1, 15), ("CH", "Switzerland", 47, 8),
    ("CI", "C\u{f4}te d\u{2019}Ivoire", 8, -6), ("CK", "Cook Islands", -21, -160),
    ("CL", "Chile", -36, -71), ("CM", "Cameroon", 6, 13), ("CN", "China", 37, 104),
    ("CO", "Colombia", 4, -73), ("CR", "Costa Rica", 10, -84), ("CU", "Cuba", 22, -79),
    ("CV", "Cape Verde", 15, -24), ("CW", "Cura\u{e7}ao", 12, -69),
    ("CX", "Christmas Island", -10, 106), ("CY", "Cyprus", 35, 33), ("CZ", "Czechia", 50, 15),
    ("DE", "Germany", 51, 10), ("DJ", "Djibouti", 12, 43), ("DK", "Denmark", 56, 9),
    ("DM", "Dominica", 15, -61), ("DO", "Dominican Republic", 19, -71), ("DZ", "Algeria", 28, 3),
    ("EC", "Ecuador", -1, -78), ("EE", "Estonia", 59, 26), ("EG", "Egypt", 26, 30),
    ("EH", "Western Sahara", 24, -12), ("ER", "Eritrea", 15, 39), ("ES", "Spain", 40, -4),
    ("ET", "Ethiopia", 9, 40), ("FI", "Finland", 65, 26), ("FJ", "Fiji", -18, 178),
    ("FK", "Falkland Islands", -52, -59), ("FM", "Micronesia", 7, 158),
    ("FO", "Faroe Islands", 62, -7), ("FR", "France", 47, 2), ("GA", "Gabon", -1, 12),
    ("GB", "United Kingdom", 54, -3), ("GD", "Grenada", 12, -62), ("GE", "Georgia", 42, 44),
    ("GF", "French Guiana", 4, -53), ("GG", "Guernsey", 49, -3), ("GH", "Ghana", 8, -1),
    ("GI", "Gibraltar", 36, -5), ("GL", "Greenland", 75, -41), ("GM", "Gambia", 13, -15),
    ("GN", "Guinea", 10, -11), ("GP", "Guadeloupe", 16, -62), ("GQ", "Equatorial Guinea", 2, 10),
    ("GR", "Greece", 39, 23), ("GS", "South Georgia & South Sandwich Islands", -54, -37),
    ("GT", "Guatemala", 16, -90), ("GU", "Guam", 13, 145), ("GW", "Guinea-Bissau", 12, -15),
    ("GY", "Guyana", 5, -59), ("HK", "Hong Kong", 22, 114),
    ("HM", "Heard & McDonald Islands", -53, 74), ("HN", "Honduras", 15, -87),
    ("HR", "Croatia", 45, 16), ("HT", "Haiti", 19, -73), ("HU", "Hungary", 47, 19),
    ("ID", "Indonesia", 0, 114), ("IE", "Ireland", 53, -8), ("IL", "Israel", 31, 35),
    ("IM", "Isle of Man", 54, -5), ("IN", "India", 23, 80),
    ("IO", "British Indian Ocean Territory", -7, 72), ("IQ", "Iraq", 33, 44),
    ("IR", "Iran", 33, 54), ("IS", "Iceland", 65, -19), ("IT", "Italy", 44, 12),
    ("JE", "Jersey", 49, -2), ("JM", "Jamaica", 18, -77), ("JO", "Jordan", 31, 37),
    ("JP", "Japan", 37, 138), ("KE", "Kenya", 1, 38), ("KG", "Kyrgyzstan", 41, 75),
    ("KH", "Cambodia", 13, 105), ("KI", "Kiribati", 2, -157), ("KM", "Comoros", -12, 43),
    ("KN", "St. Kitts & Nevis", 17, -63), ("KP", "North Korea", 40, 127),
    ("KR", "South Korea", 36, 128), ("KW", "Kuwait", 29, 48), ("KY", "Cayman Islands", 19, -81),
    ("KZ", "Kazakhstan", 48, 67), ("LA", "Laos", 19, 104), ("LB", "Lebanon", 34, 36),
    ("LC", "St. Lucia", 14, -61), ("LI", "Liechtenstein", 47, 10), ("LK", "Sri Lanka", 8, 81),
    ("LR", "Liberia", 6, -9), ("LS", "Lesotho", -30, 28), ("LT", "Lithuania", 55, 24),
    ("LU", "Luxembourg", 50, 6), ("LV", "Latvia", 57, 25), ("LY", "Libya", 27, 18),
    ("MA", "Morocco", 30, -8), ("MC", "Monaco", 44, 7), ("MD", "Moldova", 47, 28),
    ("ME", "Montenegro", 43, 19), ("MF", "St. Martin", 18, -63), ("MG", "Madagascar", -19, 47),
    ("MH", "Marshall Islands", 7, 171), ("MK", "North Macedonia", 42, 22), ("ML", "Mali", 17, -4),
    ("MM", "Myanmar", 21, 96), ("MN", "Mongolia", 47, 103), ("MO", "Macao", 22, 114),
    ("MP", "Northern Mariana Islands", 15, 146), ("MQ", "Martinique", 15, -61),
    ("MR", "Mauritania", 20, -10), ("MS", "Montserrat", 17, -62), ("MT", "Malta", 36, 14),
    ("MU", "Mauritius", -20, 58), ("MV", "Maldives", 4, 74), ("MW", "Malawi", -13, 34),
    ("MX", "Mexico", 24, -103), ("MY", "Malaysia", 4, 115), ("MZ", "Mozambique", -17, 36),
    ("NA", "Namibia", -22, 17), ("NC", "New Caledonia", -21, 165), ("NE", "Niger", 17, 9),
    ("NF", "Norfolk Island", -29, 168), ("NG", "Nigeria", 10, 8), ("NI", "Nicaragua", 13, -85),
    ("NL", "Netherlands", 52, 6), ("NO", "Norway", 64, 14), ("NP", "Nepal", 28, 84),
    ("NR", "Nauru", -1, 167), ("NU", "Niue", -19, -170), ("NZ", "New Zealand", -44, 171),
    ("OM", "Oman", 21, 56), ("PA", "Panama", 9, -80), ("PE", "Peru", -9, -74),
    ("PF", "French Polynesia", -18, -149), ("PG", "Papua New Guinea", -7, 144),
    ("PH", "Philippines", 16, 121), ("PK", "Pakistan", 30, 69), ("PL", "Poland", 52, 19),
    ("PM", "St. Pierre & Miquelon", 47, -56), ("PN", "Pitcairn Islands", -24, -128),
    ("PR", "Puerto Rico", 18, -66), ("PS", "Palestine", 32, 35), ("PT", "Portugal", 40, -8),
    ("PW", "Palau", 8, 135), ("PY", "Paraguay", -23, -58), ("QA", "Qatar", 25, 51),
    ("RE", "R\u{e9}union", -21, 56), ("RO", "Romania", 46, 25), ("RS", "Serbia", 44, 21),
    ("RU", "Russia", 62, 95), ("RW", "Rwanda", -2, 30), ("SA", "Saudi Arabia", 24, 45),
    ("SB", "Solomon Islands", -10, 160), ("SC", "Seychelles", -5, 55), ("SD", "Sudan", 16, 30),
    ("SE", "Sweden", 63, 17), ("SG", "Singapore", 1, 104), ("SH", "St. Helena", -16, -6),
    ("SI", "Slovenia", 46, 15), ("SJ", "Svalbard & Jan Mayen", 78, 16), ("SK", "Slovakia", 49, 19),
    ("SL", "Sierra Leone", 9, -12), ("SM", "San Marino", 44, 12), ("SN", "Senegal", 14, -14),
    ("SO", "Somalia", 5, 46), ("SR", "Suriname", 4, -56), ("SS", "South Sudan", 7, 30),
    ("ST", "S\u{e3}o Tom\u{e9} & Pr\u{ed}ncipe", 0, 7), ("SV", "El Salvador", 14, -89),
    ("SX", "Sint Maarten", 18, -63), ("SY", "Syria", 35, 39), ("SZ", "Eswatini", -27, 31),
    ("TC", "Turks & Caicos Islands", 22, -72), ("TD", "Chad", 15, 19),
    ("TF", "French Southern Territories", -49, 69), ("TG", "Togo", 9, 1),
    ("TH", "Thailand", 15, 101), ("TJ", "Tajikistan", 39, 71), ("TK", "Tokelau", -9, -172),
    ("TL", "Timor-Leste", -9, 126), ("TM", "Turkmenistan", 39, 59), ("TN", "Tunisia", 34, 10),
    ("TO", "Tonga", -21, -175), ("TR", "T\u{fc}rkiye", 39, 35),
    ("TT", "Trinidad & Tobago", 10, -61), ("TV", "Tuvalu", -8, 179), ("TW", "Taiwan", 24, 121),
    ("TZ", "Tanzania", -6, 35), ("UA", "Ukraine", 49, 31), ("UG", "Uganda", 1, 32),
    ("UM", "U.S. Outlying Islands", 19, 167), ("US", "United States", 40, -99),
    ("UY", "Uruguay", -33, -56), ("UZ", "Uzbekistan", 42, 63), ("VA", "Vatican City", 42, 12),
    ("VC", "St. Vincent & Grenadines", 13, -61), ("VE", "Venezuela", 7, -66),
    ("VG", "British Virgin Islands", 18, -65), ("VI", "U.S. Virgin Islands", 18, -65),
    ("VN", "Vietnam", 17, 106), ("VU", "Vanuatu", -15, 167), ("WF", "Wallis & Futuna", -14, -178),
    ("WS", "Samoa", -14, -172), ("XK", "Kosovo", 43, 21), ("YE", "Yemen", 16, 48),
    ("YT", "Mayotte", -13, 45), ("ZA", "South Africa", -29, 25), ("ZM", "Zambia", -13, 28),
    ("ZW", "Zimbabwe", -19, 30),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_sorted_and_on_the_map() {
        assert!(COUNTRIES.is_sorted_by_key(|country| country.0));
        for (code, name, latitude, longitude) in COUNTRIES {
            assert!(code.parse::<mailping_core::geo::Country>().is_ok(), "{code}");
            assert!(!name.is_empty() && latitude.abs() <= 90 && longitude.abs() <= 180, "{code}");
        }
        let sweden = CountryOnMap::of("SE").unwrap();
        assert_eq!((sweden.name, sweden.point()), ("Sweden", (65.166_664, 4.5)));
        assert_eq!(CountryOnMap::of("ZZ"), None);
    }
}
