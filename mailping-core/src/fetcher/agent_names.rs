//! The known names in User-Agents, as dated data: add a line to a block, or a block with its
//! source, and nothing elsewhere.
//!
//! A name stands for a whole token (or several in a row), compared without case; a token's version,
//! and what follows a hyphen in it, do not matter. So `WhatsApp` matches `WhatsApp/2.23 A`, and
//! `java` does not match `javascript-app`.

use super::Provider;
use super::Provider::*;
use Means::*;
use Place::*;

/// Where the name must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Outside parentheses. Inside, device models can have the same name.
    Product,
    /// Inside parentheses.
    Comment,
    /// Anywhere.
    Any,
}

/// What the name proves. The first of this list wins if an agent has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Means {
    GoogleImageProxy,
    YahooMailProxy,
    /// A mailbox provider's proxy that fetches when the message is displayed.
    DisplayProxy,
    /// A mailbox provider's proxy of which nobody documents when it fetches.
    OtherProxy,
    Scanner,
    Preview,
    Library,
    Headless,
    Bot,
    /// A mail server, or a tool for developers of mail: what fetches in its name is no program on a
    /// reader's device.
    MailServer,
    Thunderbird,
    AppleMail,
    MailClient,
    Outlook,
    Office,
    /// The stack of a platform, shared by apps and programs.
    AppStack,
    /// The same of Apple's systems since version 26.
    AppleStack,
    /// Tells nothing, though it has a form that would say "program".
    Opaque,
    /// A browser from before our scale of ages.
    Ancient,
    Chrome,
    Firefox,
    SafariVersion,
    /// A browser of another maker on one of those engines.
    Plain,
    /// A word of which all browsers' agents are made: it proves nothing, and nothing is looked for
    /// in its form.
    Part(Word),
}

impl Means {
    /// Is it a program on a reader's device that shows mail?
    pub(super) const fn is_mail_program(self) -> bool {
        matches!(self, Thunderbird | AppleMail | MailClient | Outlook)
    }
}

/// What such a word tells of the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Word {
    Mozilla,
    WebKit,
    Safari,
    Gecko,
    Khtml,
    Like,
    Compatible,
    Windows,
    Macintosh,
    X11,
    /// A telephone or tablet of Apple's.
    AppleDevice,
    Android,
    /// Before a version of Apple's systems.
    Os,
    /// HarmonyOS's own system, whose web view counts its versions by itself.
    Harmony,
    /// Android's mark of a web view.
    View,
    Other,
}

/// One name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Agent {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) means: Means,
    pub(super) provider: Option<Provider>,
}

const fn is(name: &'static str, place: Place, means: Means) -> Agent {
    Agent { name, place, means, provider: None }
}

const fn of(provider: Provider, name: &'static str, place: Place, means: Means) -> Agent {
    Agent { name, place, means, provider: Some(provider) }
}

const fn part(name: &'static str, place: Place, word: Word) -> Agent {
    is(name, place, Part(word))
}

/// Names that stand in the same sources.
pub(super) struct Block {
    pub(super) source: &'static str,
    /// The month in which the source was read, with the day if that is known.
    pub(super) checked: &'static str,
    pub(super) names: &'static [Agent],
}

/// All names.
#[rustfmt::skip]
pub(super) const BLOCKS: &[Block] = &[
    // Mailbox providers' proxies.
    Block { source: "operators' own pages; uap-core; browscap; device-detector bots.yml", checked: "2026-11", names: &[
        of(Gmail, "GoogleImageProxy", Any, GoogleImageProxy),
        of(Gmail, "ggpht.com", Comment, GoogleImageProxy),
        of(Yahoo, "YahooMailProxy", Any, YahooMailProxy),
        of(Fastmail, "FastmailUA", Product, DisplayProxy),
        of(Hey, "hey.com/imageproxy", Product, DisplayProxy),
        of(Seznam, "SeznamEmailProxy", Any, OtherProxy),
        of(UkrNet, "mail.ukr.net proxy", Comment, OtherProxy),
        of(UkrNet, "secureurl.fwdcdn.com", Comment, OtherProxy),
        of(Rambler, "RamblerMail", Product, OtherProxy),
        of(Yandex, "YandexImageResizer", Any, OtherProxy),
        of(Superhuman, "SuperhumanProxy", Any, OtherProxy),
        // Reported in detector code only, never in a log: it may not count as Microsoft's.
        is("OutlookImageProxy", Any, OtherProxy),
    ] },
    // Webmail servers that fetch pictures for their readers.
    Block { source: "sources of Nextcloud Mail, RainLoop and SnappyMail; agents seen of the others", checked: "2026-11-27", names: &[
        is("Nextcloud-Server-Crawler", Any, DisplayProxy), is("Nextcloud Server Crawler", Any, DisplayProxy),
        is("RainLoop", Any, DisplayProxy), is("SnappyMail", Any, DisplayProxy),
        is("ownCloud Server Crawler", Any, OtherProxy), is("Mailosh", Any, OtherProxy), is("AfterLogic", Any, OtherProxy),
        is("External Proxy", Any, OtherProxy), is("Image Proxy", Any, OtherProxy), is("Mail Proxy", Any, OtherProxy),
        is("Shortwave Image Fetcher", Any, OtherProxy),
    ] },
    // Mail servers and developers' tools whose names only look like those of mail programs.
    Block { source: "their own pages", checked: "2026-11-27", names: &[
        is("mailcow", Any, MailServer), is("MailHog", Any, MailServer), is("Mailtrap", Any, MailServer), is("MailCatcher", Any, MailServer),
        is("MailDev", Any, MailServer), is("Mailu", Any, MailServer), is("Mailcoach", Any, MailServer), is("iRedMail", Any, MailServer),
        is("Mailjet", Any, MailServer), is("MailerLite", Any, MailServer), is("MailerSend", Any, MailServer), is("Mailosaur", Any, MailServer),
        is("Mailinator", Any, MailServer), is("MailSlurp", Any, MailServer), is("MailTester", Any, MailServer), is("Mail-Tester", Any, MailServer),
        is("MailGenius", Any, MailServer), is("Mailwarm", Any, MailServer), is("Mailmodo", Any, MailServer), is("MailWizz", Any, MailServer),
        is("Mailtrain", Any, MailServer), is("Mailman", Any, MailServer), is("MailStore", Any, MailServer), is("MailCleaner", Any, MailServer),
        is("MailEnable", Any, MailServer), is("Mailcheap", Any, MailServer), is("MailPoet", Any, MailServer), is("MailChannels", Any, MailServer),
        is("MailMarshal", Any, MailServer), is("MailWasher", Any, MailServer), is("MailRoute", Any, MailServer), is("MailMunch", Any, MailServer),
        is("Sendmail", Any, MailServer), is("qmail", Any, MailServer), is("OpenSMTPD", Any, MailServer), is("GreenMail", Any, MailServer),
        is("TempMail", Any, MailServer), is("GuerrillaMail", Any, MailServer), is("YOPmail", Any, MailServer), is("smtp4dev", Any, MailServer),
        is("hMailServer", Any, MailServer), is("Mailsac", Any, MailServer), is("Mailpile", Any, MailServer), is("inbucket", Any, MailServer),
        is("SquirrelMail", Any, MailServer), is("SmarterMail", Any, MailServer), is("SOGo", Any, MailServer), is("SOGoMail", Any, MailServer),
        is("fetchmail", Any, MailServer), is("getmail", Any, MailServer), is("JavaMail", Any, MailServer), is("Mail-in-a-Box", Any, MailServer),
    ] },
    // Scanners that name themselves.
    Block { source: "device-detector bots.yml; isbot; crawler-user-agents", checked: "2026-11", names: &[
        // Google samples what it delivers, in a browser's name and within a day.
        of(Gmail, "Gmail-content-sampling", Any, Scanner), of(Barracuda, "Barracuda", Any, Scanner), is("BarracudaCentral", Any, Scanner),
        of(Google, "Google-Safety", Any, Scanner), of(VirusTotal, "virustotal", Any, Scanner), of(VirusTotal, "virustotalcloud", Any, Scanner),
        of(VirusTotal, "s~virustotalcloud", Any, Scanner), is("Kaspersky", Product, Scanner), is("ClamAV", Product, Scanner),
        is("SCMGUARD", Any, Scanner), is("Bluecoat", Any, Scanner), is("CheckMalwareJobs", Any, Scanner), is("checkmalware", Any, Scanner),
        is("Netcraft", Any, Scanner), is("NetcraftSurveyAgent", Any, Scanner), is("Nessus", Any, Scanner), is("Nikto", Any, Scanner),
        is("Nmap", Any, Scanner), is("masscan", Any, Scanner), is("zgrab", Any, Scanner), is("sqlmap", Any, Scanner), is("WPScan", Any, Scanner),
        is("Nuclei", Product, Scanner), is("CensysInspect", Any, Scanner), is("Expanse", Any, Scanner), is("Sophos", Product, Scanner),
        is("urlscan", Any, Scanner), is("Acunetix", Any, Scanner), is("Detectify", Any, Scanner),
        is("Qualys", Any, Scanner), is("Sucuri", Any, Scanner), is("PhishTank", Any, Scanner), is("SafeDNSBot", Any, Scanner),
        is("SecurityHeaders", Any, Scanner), is("Foregenix", Any, Scanner), is("InternetMeasurement", Any, Scanner), is("Shodan", Any, Scanner),
        is("FortiGuard", Any, Scanner), is("urlquery", Any, Scanner), is("OpenPhish", Any, Scanner), is("Hybrid-Analysis", Any, Scanner),
    ] },
    // Link previews.
    Block { source: "operators' own pages; device-detector bots.yml; isbot", checked: "2026-11", names: &[
        of(Slack, "Slackbot", Any, Preview), of(Slack, "Slack-ImgProxy", Any, Preview),
        of(Meta, "facebookexternalhit", Any, Preview), of(Meta, "facebookcatalog", Any, Preview), of(Meta, "Facebot", Any, Preview),
        of(Meta, "meta-externalagent", Any, Preview), of(Meta, "meta-externalfetcher", Any, Preview), of(Meta, "WhatsApp", Product, Preview),
        of(X, "Twitterbot", Any, Preview), of(LinkedIn, "LinkedInBot", Any, Preview), of(Telegram, "TelegramBot", Any, Preview),
        of(Discord, "Discordbot", Any, Preview), of(Microsoft, "SkypeUriPreview", Any, Preview), of(Microsoft, "MicrosoftPreview", Any, Preview),
        of(Microsoft, "BingPreview", Any, Preview), of(Snapchat, "Snap URL Preview Service", Any, Preview), of(Viber, "Viber", Product, Preview),
        of(Pinterest, "Pinterestbot", Any, Preview), of(Cisco, "WebexTeams", Any, Preview), is("Iframely", Any, Preview), is("Embedly", Any, Preview),
        is("redditbot", Any, Preview), is("Discourse Forum Onebox", Any, Preview), is("vkShare", Any, Preview),
        is("Mattermost-Bot", Any, Preview), is("Cardyb", Any, Preview), is("Mastodon", Product, Preview),
        is("Misskey", Product, Preview), is("SummalyBot", Any, Preview), is("FlipboardProxy", Any, Preview), is("Bitlybot", Any, Preview),
        is("Synapse", Product, Preview), is("XING-contenttabreceiver", Any, Preview), is("kakaotalk-scrap", Any, Preview), is("Line-Podcast", Any, Preview),
        is("Steam HTTP Client", Product, Preview), is("GoogleMessages", Product, Preview), is("Signal-URL-Preview", Any, Preview), is("ZoomBot", Any, Preview),
        is("Yahoo Link Preview", Any, Preview), is("Google-PageRenderer", Any, Preview), is("developers.google.com/+/web/snippet", Any, Preview),
    ] },
    // Libraries and tools.
    Block { source: "their own default agents; GMass list of known bots; isbot", checked: "2026-11", names: &[
        is("curl", Product, Library), is("libcurl", Product, Library), is("Wget", Product, Library), is("Wget2", Product, Library), is("aria2", Product, Library),
        is("python-requests", Any, Library), is("Python-urllib", Any, Library), is("python-httpx", Any, Library), is("aiohttp", Product, Library),
        is("Python", Product, Library), is("urllib3", Product, Library), is("Scrapy", Any, Library), is("Java", Product, Library),
        is("Apache-HttpClient", Any, Library), is("Apache-HttpAsyncClient", Any, Library), is("Jakarta Commons-HttpClient", Any, Library),
        is("ReactorNetty", Product, Library), is("AHC", Product, Library), is("Jersey", Product, Library), is("Go-http-client", Product, Library),
        is("Go http package", Product, Library), is("Go-resty", Product, Library), is("fasthttp", Product, Library), is("axios", Product, Library),
        is("node-fetch", Product, Library), is("node-superagent", Product, Library), is("undici", Product, Library), is("node", Product, Library), is("got", Product, Library),
        is("Deno", Product, Library), is("Bun", Product, Library), is("GuzzleHttp", Product, Library), is("PHP", Product, Library), is("Symfony", Product, Library),
        is("PEAR HTTP_Request", Product, Library), is("libwww-perl", Any, Library), is("lwp-trivial", Any, Library), is("lwp-request", Any, Library),
        is("LWP", Product, Library), is("Mechanize", Any, Library), is("WWW-Mechanize", Any, Library), is("Ruby", Product, Library), is("Faraday", Product, Library),
        is("HTTPClient", Product, Library), is("Typhoeus", Product, Library), is("rest-client", Product, Library), is("RestSharp", Product, Library), is("WinHttp", Any, Library),
        is("WinHttp.WinHttpRequest", Any, Library), is("Microsoft-WebDAV-MiniRedir", Product, Library), is("WindowsPowerShell", Product, Library),
        is("PowerShell", Product, Library), is("PostmanRuntime", Product, Library), is("insomnia", Product, Library), is("Indy Library", Any, Library),
        is("scalaj-http", Product, Library), is("akka-http", Product, Library), is("lua-resty-http", Product, Library), is("ngx_lua", Any, Library),
        is("reqwest", Product, Library), is("hyper", Product, Library), is("ureq", Product, Library), is("isahc", Product, Library), is("awc", Product, Library),
        is("grpc-node", Product, Library), is("grpc-c", Product, Library), is("Dart", Product, Library), is("HTTPie", Product, Library),
        is("http-kit", Product, Library), is("unirest-java", Product, Library), is("Ktor", Product, Library), is("ktor-client", Product, Library),
        is("Erlang", Product, Library), is("hackney", Product, Library), is("Nutch", Product, Library), is("colly", Product, Library),
        is("Jetty", Product, Library), of(Microsoft, "Microsoft Exchange", Product, Library), of(Microsoft, "Microsoft BITS", Product, Library),
    ] },
    // Browsers without a screen.
    Block { source: "their own agents; isbot", checked: "2026-11", names: &[
        is("HeadlessChrome", Product, Headless), is("HeadlessEdg", Product, Headless), is("PhantomJS", Product, Headless), is("SlimerJS", Product, Headless),
        is("CasperJS", Product, Headless), is("Splash", Product, Headless), is("Puppeteer", Any, Headless), is("Playwright", Any, Headless),
        is("Selenium", Any, Headless), is("HtmlUnit", Any, Headless), is("Cypress", Product, Headless), is("jsdom", Product, Headless), is("wkhtmltopdf", Any, Headless),
        is("Camoufox", Any, Headless), is("Lightpanda", Any, Headless), is("Browserless", Any, Headless), is("Browserbase", Any, Headless), is("Patchright", Any, Headless),
    ] },
    // Programs that call themselves neither bot nor crawler.
    Block { source: "crawler-user-agents; isbot", checked: "2026-11", names: &[
        of(Google, "Google-Agent", Any, Bot), of(Google, "AppEngine-Google", Any, Bot), of(Google, "Google-Read-Aloud", Any, Bot),
        of(Google, "Chrome-Lighthouse", Any, Bot), of(Google, "Google-InspectionTool", Any, Bot), of(Google, "Google Favicon", Any, Bot),
        of(Google, "Google Web Preview", Any, Bot), of(Google, "Mediapartners-Google", Any, Bot), of(Google, "FeedFetcher-Google", Any, Bot),
        of(Google, "GoogleOther", Any, Bot), of(Google, "Google-Ads", Any, Bot), of(Google, "Google-Adwords", Any, Bot), of(Google, "DuplexWeb-Google", Any, Bot),
        is("PTST", Product, Bot), is("GTmetrix", Any, Bot), is("Pingdom", Any, Bot), is("Pingdom.com_bot_version", Any, Bot), is("Site24x7", Any, Bot),
        is("DatadogSynthetics", Any, Bot), is("Catchpoint", Any, Bot), is("Dynatrace", Any, Bot), is("New-Relic-Synthetics", Any, Bot), is("ImgProxy", Any, Bot),
        is("Yahoo! Slurp", Any, Bot), is("ia_archiver", Any, Bot), is("heritrix", Any, Bot), is("HTTrack", Any, Bot), is("Prerender", Any, Bot), is("Rigor", Product, Bot),
        is("ChatGPT-User", Any, Bot), is("Perplexity-User", Any, Bot), is("Claude-User", Any, Bot), is("Claude-Web", Any, Bot), is("cohere-ai", Any, Bot),
        of(Google, "Google-GeminiNotebook", Any, Bot), of(Google, "Gemini-Deep-Research", Any, Bot), is("anthropic-ai", Any, Bot), is("NovaAct", Any, Bot),
        is("browser-use", Any, Bot), is("Skyvern", Any, Bot), is("Stagehand", Any, Bot), is("Devin", Product, Bot), is("Manus", Product, Bot),
        is("Mailchimp", Any, Bot), is("Mailgun", Any, Bot), is("SpeedCurve", Any, Bot), is("DareBoost", Any, Bot), is("StatusCake", Any, Bot), is("Wappalyzer", Any, Bot),
        is("BuiltWith", Any, Bot), is("Feedly", Any, Bot), is("Feedspot", Any, Bot), is("Inoreader", Any, Bot), is("NewsBlur", Any, Bot), is("FeedBurner", Any, Bot),
        is("Siteimprove", Any, Bot), is("Proximic", Any, Bot), is("ltx71", Any, Bot), is("Barkrowler", Any, Bot), is("BrandVerity", Any, Bot), is("Qwantify", Any, Bot),
        is("Seekport", Any, Bot), is("Yeti", Any, Bot), is("Daum", Any, Bot), is("Genieo", Any, Bot), is("Cloudflare-AlwaysOnline", Any, Bot), is("Panscient", Any, Bot),
        is("Google Page Speed Insights", Any, Bot), is("Ghost Inspector", Any, Bot), is("Screaming Frog", Any, Bot), is("WebPageTest", Any, Bot), is("AppInsights", Any, Bot),
        is("Mailpit", Product, Bot), is("DebugBear", Any, Bot), is("Neustar WPM", Any, Bot), is("watchTowr", Any, Bot), is("RuxitSynthetic", Any, Bot),
    ] },
    // Mail programs. Names that start or end in "mail" need no line.
    Block { source: "uap-core; browscap; yauaa EMailClients.yaml", checked: "2026-11", names: &[
        of(Mozilla, "Thunderbird", Any, Thunderbird),
        of(Apple, "Mail", Product, AppleMail), of(Apple, "MobileMail", Product, AppleMail), of(Apple, "AppleMail", Product, AppleMail),
        is("Lotus-Notes", Any, MailClient), is("Lotus Notes", Any, MailClient), is("HCL Notes", Product, MailClient), is("Outlook-Express", Any, MailClient),
        is("Airmail", Product, MailClient), is("Evolution", Product, MailClient), is("eM Client", Product, MailClient), is("eMClient", Product, MailClient),
        is("Postbox", Product, MailClient), is("PostboxApp", Product, MailClient), is("Kontact", Product, MailClient), is("Barca", Product, MailClient), is("BarcaPro", Product, MailClient),
        is("Eudora", Product, MailClient), is("Sparrow", Product, MailClient), is("Spark", Product, MailClient), is("SparkDesktop", Product, MailClient),
        is("Canary", Product, MailClient), is("Mimestream", Product, MailClient), is("Spicebird", Product, MailClient), is("Icedove", Product, MailClient),
        is("Betterbird", Product, MailClient), is("Sylpheed", Product, MailClient), is("Claws", Product, MailClient), is("The Bat!", Product, MailClient),
        is("zdesktop", Any, MailClient), is("ZimbraDesktop", Product, MailClient), is("ZohoTridentWindows", Product, MailClient), is("ZohoTrident", Product, MailClient),
        is("Missive", Product, MailClient), is("Shortwave", Product, MailClient), is("Geary", Product, MailClient), is("Trojita", Product, MailClient),
        is("Tutanota", Product, MailClient), is("Tuta", Product, MailClient), is("Balsa", Product, MailClient), is("Entourage", Product, MailClient), is("Unibox", Product, MailClient),
        is("GyazMail", Product, MailClient), is("TouchDown", Product, MailClient), is("Roundcube", Product, MailClient), is("DejaLu", Product, MailClient), of(Superhuman, "Superhuman", Product, MailClient), of(Hey, "HEY", Product, MailClient), is("Framabird", Product, MailClient), is("Lightning", Product, MailClient), is("Turnpike", Product, MailClient),
        is("Becky!", Product, MailClient), is("IncrediMail", Any, MailClient), is("GroupWise", Product, MailClient), is("Vivaldi Mail", Product, MailClient),
    ] },
    // Microsoft.
    Block { source: "gophish#1920; http-browserdetect#112; uap-core; yauaa EMailClients.yaml", checked: "2026-11", names: &[
        of(Microsoft, "Microsoft Outlook", Any, Outlook), of(Microsoft, "Microsoft Office Outlook", Any, Outlook), of(Microsoft, "ms-office", Comment, Office),
        of(Microsoft, "Microsoft Office", Any, Office), of(Microsoft, "OneNote", Product, Office), of(Microsoft, "MSOffice", Any, Office),
        of(Microsoft, "OneOutlook", Product, Outlook), of(Microsoft, "MacOutlook", Product, Outlook), of(Microsoft, "Outlook", Product, Outlook),
    ] },
    // Stacks that apps share.
    Block { source: "suped.com, how to identify bot agents; GMass list of known bots", checked: "2026-11", names: &[
        of(Apple, "CFNetwork", Product, AppStack), of(Apple, "dataaccessd", Product, AppStack), of(Google, "Dalvik", Product, AppStack), is("okhttp", Any, AppStack), is("NetworkSDK", Any, AppStack), is("NetworkKit", Any, AppStack),
        of(Apple, "NSURLConnection", Product, AppStack), is("Alamofire", Product, AppStack), is("Amazon CloudFront", Product, Opaque),
    ] },
    // Apple's stack since version 26: the default of any app, as CFNetwork was.
    Block { source: "agents seen of iOS 26 and macOS 26", checked: "2026-11-27", names: &[
        of(Apple, "com.apple.WebKit.Networking", Any, AppleStack), of(Apple, "com.apple.WebKit.WebContent", Any, AppleStack),
        of(Apple, "NetworkingExtension", Any, AppleStack), of(Apple, "WebContentExtension", Any, AppleStack),
    ] },
    // Browsers.
    Block { source: "yauaa; uap-core; browscap", checked: "2026-11", names: &[
        is("Chrome", Product, Chrome), is("Chromium", Product, Chrome), of(Google, "CriOS", Product, Chrome), of(Mozilla, "Firefox", Product, Firefox),
        of(Mozilla, "FxiOS", Product, Firefox), of(Apple, "Version", Product, SafariVersion), is("MSIE", Any, Ancient), is("Trident", Any, Ancient), is("Presto", Product, Ancient),
        of(Microsoft, "Edge", Product, Ancient), is("QtWebKit", Any, Ancient), is("Qt", Any, Ancient), is("BlackBerry", Any, Ancient), is("BB10", Any, Ancient), is("PlayBook", Any, Ancient),
        is("Symbian", Any, Ancient), is("SymbianOS", Any, Ancient), is("SymbOS", Any, Ancient), is("S60V5", Any, Ancient), is("Series60", Any, Ancient), is("Konqueror", Any, Ancient), is("iCab", Any, Ancient),
        of(Opera, "Opera", Any, Ancient), is("Lynx", Product, Ancient), is("Links", Product, Ancient), is("ELinks", Product, Ancient), is("w3m", Product, Ancient), is("UCWEB", Any, Ancient),
        is("Profile", Product, Ancient), is("Configuration", Product, Ancient), is("UP.Browser", Any, Ancient), is("NetPositive", Any, Ancient), is("OmniWeb", Any, Ancient), is("ABrowse", Any, Ancient),
        is("IBrowse", Any, Ancient), is("AWeb", Any, Ancient), is("NetFront", Any, Ancient), is("Dillo", Any, Ancient), is("WebTV", Any, Ancient), is("AvantGo", Any, Ancient), is("Obigo", Any, Ancient),
        of(Microsoft, "Edg", Product, Plain), of(Microsoft, "EdgA", Product, Plain), of(Microsoft, "EdgiOS", Product, Plain), of(Opera, "OPR", Product, Plain),
        of(Opera, "OPRGX", Product, Plain), of(Opera, "OPX", Product, Plain), of(Samsung, "SamsungBrowser", Product, Plain), of(Yandex, "YaBrowser", Product, Plain),
        is("Vivaldi", Product, Plain), is("Brave", Product, Plain), is("Whale", Product, Plain), is("DuckDuckGo", Product, Plain), is("Ddg", Product, Plain),
        is("Talon", Product, Plain), is("Aoyou", Product, Plain), is("MetaSr", Product, Plain), is("Falkon", Product, Plain), is("Epiphany", Product, Plain),
        is("Sleipnir", Product, Plain), is("Maxthon", Product, Plain), is("Iron", Product, Plain), is("SeaMonkey", Product, Plain), is("PaleMoon", Product, Plain),
        is("Waterfox", Product, Plain), is("LibreWolf", Product, Plain), is("Floorp", Product, Plain), is("Basilisk", Product, Plain), is("K-Meleon", Product, Plain),
        is("Iceweasel", Product, Plain), is("Puffin", Product, Plain), is("Ferdium", Product, Plain), is("Rambox", Product, Plain), is("QtWebEngine", Product, Plain), is("Wavebox", Product, Plain),
        is("Honorlock", Product, Plain), is("Island", Product, Plain), is("Ghostery", Product, Plain), is("Silk", Product, Plain), is("Kiwi", Product, Plain),
        is("ArkWeb", Any, Plain), is("HuaweiBrowser", Product, Plain),
        is("Ubuntu", Product, Plain), is("Fedora", Product, Plain), is("Debian", Product, Plain), is("Raspbian", Product, Plain), is("MicroMessenger", Product, Plain),
    ] },
    // Words of which browsers' agents are made.
    Block { source: "yauaa; uap-core; user-agents 2.1.198", checked: "2026-11-24", names: &[
        part("Mozilla", Any, Word::Mozilla), part("AppleWebKit", Product, Word::WebKit), part("Safari", Product, Word::Safari), part("Mobile", Any, Word::Other),
        part("Gecko", Any, Word::Gecko), part("Goanna", Any, Word::Gecko), part("KHTML", Comment, Word::Khtml), part("like", Comment, Word::Like),
        part("compatible", Comment, Word::Compatible), part("Windows", Comment, Word::Windows), part("Macintosh", Comment, Word::Macintosh), part("X11", Comment, Word::X11),
        part("iPhone", Comment, Word::AppleDevice), part("iPad", Comment, Word::AppleDevice), part("iPod", Comment, Word::AppleDevice), part("Android", Comment, Word::Android),
        part("OpenHarmony", Any, Word::Harmony), part("OS", Comment, Word::Os), part("wv", Comment, Word::View), part("Linux", Comment, Word::Other), part("Win32", Comment, Word::Other), part("U", Comment, Word::Other),
        part("NT", Comment, Word::Other), part("Win64", Comment, Word::Other), part("x64", Comment, Word::Other), part("WOW64", Comment, Word::Other), part("Intel", Comment, Word::Other),
        part("Mac", Comment, Word::Other), part("X", Comment, Word::Other), part("x86_64", Comment, Word::Other), part("CPU", Comment, Word::Other), part("K", Comment, Word::Other), part("Build", Comment, Word::Other),
        part(".NET", Comment, Word::Other), part("CLR", Comment, Word::Other),
    ] },
];

const COUNT: usize = {
    let (mut count, mut block) = (0, 0);
    while block < BLOCKS.len() {
        count += BLOCKS[block].names.len();
        block += 1;
    }
    count
};

/// The same, one after the other.
pub(super) static AGENTS: [Agent; COUNT] = {
    let mut agents = [BLOCKS[0].names[0]; COUNT];
    let (mut at, mut block) = (0, 0);
    while block < BLOCKS.len() {
        let mut name = 0;
        while name < BLOCKS[block].names.len() {
            agents[at] = BLOCKS[block].names[name];
            (at, name) = (at + 1, name + 1);
        }
        block += 1;
    }
    agents
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_listed_twice() {
        let mut names: Vec<_> = AGENTS.iter().map(|agent| agent.name.to_ascii_lowercase()).collect();
        names.sort();
        let before = names.len();
        names.dedup();
        assert_eq!(names.len(), before);
    }
}
