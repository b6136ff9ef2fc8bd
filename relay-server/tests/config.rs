//! What the relay says about its settings: each class of mistake names its place, its key and the remedy.

use relay_core::media::control::{G711Law, TrunkCodec};
use relay_server::config::keys::KEYS;
use relay_server::config::{Config, ConfigError, Loaded, Sources, load};
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLE: &str = include_str!("../relay.example.toml");

/// A file that is there while the test runs.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("switchhook-{}-{name}.toml", std::process::id()));
        std::fs::write(&path, text).expect("a temporary directory");
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn from_file(name: &str, text: &str) -> Result<Loaded, ConfigError> {
    let file = TempFile::new(name, text);
    load(&Sources { file: Some(file.0.clone()), ..Sources::default() })
}

fn from_environment(variable: &str, value: &str) -> Result<Loaded, ConfigError> {
    load(&Sources { environment: vec![(variable.to_owned(), value.to_owned())], ..Sources::default() })
}

/// What a person reads, without the path of the temporary file.
fn sentence(result: Result<Loaded, ConfigError>) -> String {
    let text = result.expect_err("these settings are wrong").to_string();
    text.split_once(".toml:").map_or(text.clone(), |(_, rest)| rest.to_owned())
}

#[test]
fn the_example_is_exactly_the_defaults() {
    let loaded = from_file("example", EXAMPLE).unwrap();

    assert_eq!(loaded.config, Config::default());
}

#[test]
fn the_example_mentions_every_key_in_its_section() {
    let mut section = "";
    let mut mentioned: Vec<String> = Vec::new();
    for line in EXAMPLE.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some((name, _)) = line.split_once(" = ") {
            mentioned.push(format!("{section}.{name}"));
        }
    }

    assert_eq!(mentioned, KEYS.iter().map(|key| key.name).collect::<Vec<_>>());
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_its_neighbour() {
    let said = sentence(from_file("unknown-key", "[web]\n\n# a comment\nlistn = \"127.0.0.1:1\"\n"));

    assert_eq!(said, "4: there is no key \"web.listn\"; did you mean \"web.listen\"?");
}

#[test]
fn an_unknown_section_is_an_error() {
    let said = sentence(from_file("unknown-section", "[colour]\nred = 1\n"));

    assert_eq!(said, "2: there is no key \"colour.red\"; relay.example.toml lists them all");
}

#[test]
fn a_key_outside_of_any_section_is_an_error() {
    let said = sentence(from_file("no-section", "listen = \"127.0.0.1:1\"\n"));

    assert_eq!(said, "1: there is no key \"listen\"; did you mean \"web.listen\"?");
}

#[test]
fn a_wrong_value_is_shown_with_what_would_be_right() {
    let said = sentence(from_file("wrong-value", "[web]\nlisten = \"localhost\"\n"));

    assert_eq!(
        said,
        "2: web.listen cannot be \"localhost\": it is an IP address with a port, such as \"0.0.0.0:5060\""
    );
}

#[test]
fn a_value_of_another_type_is_an_error() {
    let said = sentence(from_file("wrong-type", "[limits]\ncalls = \"many\"\n"));

    assert_eq!(said, "2: limits.calls cannot be \"many\": it is a whole number from 1 to 1000000");
    assert!(from_file("quoted", "[limits]\ncalls = \"200\"\n").is_err());
    assert!(from_file("boolean", "[web]\nsite = true\n").is_err());
    assert!(from_file("table", "[web]\nlisten = { host = \"x\" }\n").is_err());
}

#[test]
fn a_value_out_of_range_is_an_error() {
    for row in [
        "[limits]\ncalls = 0",
        "[media]\ncodecs = []",
        "[media]\ncodecs = [\"PCMU\", \"pcmu\"]",
        "[media]\ncodecs = [\"G723\"]",
        "[web]\noutbox = 2",
        "[web]\nping_interval = \"0s\"",
        "[media]\nworkers = -1",
    ] {
        assert!(matches!(from_file("range", row), Err(ConfigError::WrongValue { .. })), "{row}");
    }
}

#[test]
fn origins_are_origins() {
    let said = sentence(from_file("origins", "[web]\norigins = [\"www.example.com\"]\n"));

    assert!(said.starts_with("2: web.origins cannot be [\"www.example.com\"]"), "{said}");
}

#[test]
fn a_path_that_the_relay_needs_itself_is_an_error() {
    assert!(from_file("healthz", "[web]\npath = \"/healthz\"\n").is_err());
    assert!(from_file("pattern", "[web]\npath = \"/{any}\"\n").is_err());
    assert!(from_file("path", "[web]\npath = \"/phone/sip\"\n").is_ok());
}

#[test]
fn what_is_not_toml_is_named_with_its_line() {
    let said = sentence(from_file("syntax", "[web]\nlisten = \n"));

    assert!(said.starts_with("2: not TOML: "), "{said}");
}

#[test]
fn a_missing_file_is_an_error_that_names_the_flag() {
    let missing = load(&Sources { file: Some("/does/not/exist.toml".into()), ..Sources::default() });

    let said = missing.expect_err("there is no such file").to_string();
    assert!(said.starts_with("/does/not/exist.toml: cannot be read"), "{said}");
    assert!(said.contains("--config"), "{said}");
}

#[test]
fn every_key_can_come_from_the_environment() {
    for key in KEYS {
        let wrong = from_environment(&key.variable(), "\u{7}");
        let is_seen = match wrong {
            Ok(loaded) => loaded.config != Config::default(),
            Err(ConfigError::WrongValue { key: named, .. }) => named == key.name,
            Err(other) => panic!("{other}"),
        };
        assert!(is_seen, "{}", key.name);
    }
}

#[test]
fn a_misspelt_variable_of_one_of_our_sections_is_an_error() {
    let said = sentence(from_environment("SWITCHHOOK_WEB_LISTN", "127.0.0.1:1"));

    let expected =
        "environment variable SWITCHHOOK_WEB_LISTN: there is no key \"web.listn\"; did you mean \"web.listen\"?";
    assert_eq!(said, expected);
}

#[test]
fn variables_that_a_platform_invents_are_warned_about_only() {
    let loaded = from_environment("SWITCHHOOK_SERVICE_HOST", "10.0.0.1").unwrap();

    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.warnings.len(), 1);
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = TempFile::new("layers", "[web]\noutbox = 10\nping_interval = \"10s\"\n[limits]\ncalls = 10\n");
    let sources = Sources {
        file: Some(file.0.clone()),
        environment: vec![
            ("SWITCHHOOK_WEB_OUTBOX".to_owned(), "20".to_owned()),
            ("SWITCHHOOK_LIMITS_CALLS".to_owned(), "20".to_owned()),
        ],
        flags: vec![("--set".to_owned(), "limits.calls".to_owned(), "30".to_owned())],
    };

    let config = load(&sources).unwrap().config;

    assert_eq!(config.web.ping_interval, Duration::from_secs(10));
    assert_eq!(config.web.outbox, 20);
    assert_eq!(config.limits.calls, 30);
}

#[test]
fn lists_come_as_words_from_the_environment() {
    let config = from_environment("SWITCHHOOK_SIP_DOMAINS", "example.com=pbx:5080, *=192.0.2.1").unwrap().config;

    let domains: Vec<_> = config.sip.domains.iter().map(|d| (d.name.as_str(), d.host.as_str(), d.port)).collect();
    assert_eq!(domains, [("example.com", "pbx", Some(5080)), ("*", "192.0.2.1", None)]);
}

#[test]
fn a_relay_without_a_pbx_is_told_how_to_get_one() {
    let said = Config::default().check().expect_err("no domains").to_string();

    assert!(said.starts_with("sip.domains is empty"), "{said}");
    assert!(said.contains("--next-hop"), "{said}");
}

#[test]
fn a_site_that_is_not_there_is_an_error() {
    let mut config = Config::default();
    config.web.site = Some("/does/not/exist".into());

    assert!(config.check_site().is_err());
}

const TRUNK: &str = "[[trunk]]\nname = \"office\"\ndomains = [\"example.com\"]\nhosts = [\"pbx:5061;transport=tls\"]\n";

#[test]
fn trunks_are_tables_of_their_own() {
    let second = TRUNK.replace("office", "branch").replace("example.com", "*") + "probe = \"0s\"\ninsecure = true\n";
    let config = from_file("trunks", &format!("{TRUNK}{second}")).unwrap().config;

    let names: Vec<_> = config.trunks.iter().map(|trunk| trunk.name.as_str()).collect();
    assert_eq!(names, ["office", "branch"]);
    assert_eq!((config.trunks[0].hosts[0].host.as_str(), config.trunks[0].hosts[0].port), ("pbx", Some(5061)));
    assert_eq!(config.trunks[0].probe, Duration::from_secs(30));
    assert!(config.trunks[1].insecure && config.trunks[1].probe.is_zero());
    assert!(config.check().is_ok());
}

#[test]
fn each_mistake_in_a_file_is_named_with_its_line_and_remedy() {
    let text = format!(
        "[sip]\ntcp = \"yes\"\nlistn = 1\n{TRUNK}{}[[trunk]]\nname = \"third\"\nhosts = [\"pbx;transport=pigeon\"]\nprob = 1\n",
        TRUNK.replace("office", "second")
    );
    let said = from_file("several", &text).expect_err("five mistakes").to_string();

    let lines: Vec<&str> = said.lines().filter_map(|line| line.split_once(".toml:")).map(|(_, rest)| rest).collect();
    assert_eq!(lines.len(), 5, "{said}");
    for (line, start) in lines.iter().zip([
        "2: sip.tcp cannot be \"yes\": it is true or false",
        "3: there is no key \"sip.listn\"; did you mean \"sip.listen\"?",
        "8: trunk.domains has \"example.com\", which an earlier trunk serves; name each domain once",
        "14: trunk.hosts cannot be [\"pbx;transport=pigeon\"]: it is a list of \"host:port\"",
        "15: there is no key \"trunk.prob\"; did you mean \"trunk.probe\"?",
    ]) {
        assert!(line.starts_with(start), "{line} does not start with {start}");
    }
}

#[test]
fn the_example_explains_every_key_of_a_trunk() {
    for key in relay_server::config::TRUNK_KEYS {
        let name = key.name.trim_start_matches("trunk.");
        assert!(EXAMPLE.lines().any(|line| line.starts_with(&format!("# {name} = "))), "{name}");
    }
}

#[test]
fn the_example_explains_every_key_of_a_site() {
    for key in relay_server::config::SITE_KEYS {
        let name = key.name.trim_start_matches("site.");
        assert!(EXAMPLE.lines().any(|line| line.starts_with(&format!("# {name} = "))), "{name}");
    }
}

#[test]
fn the_codecs_of_a_trunk_are_known_ones_each_once() {
    let trunk = |codecs: &str| from_file("codecs", &format!("{TRUNK}codecs = {codecs}\n"));
    let good = trunk("[\"pcma\", \"g722\"]").unwrap().config;
    assert_eq!(good.trunks[0].codecs(), Some(vec![TrunkCodec::G711(G711Law::A), TrunkCodec::G722]));
    assert!(good.check().is_ok());
    assert!(
        sentence(from_file("srtp", &format!("{TRUNK}srtp = \"yes\"\n")))
            .contains("\"off\", \"optional\" or \"required\"")
    );
    assert_eq!(trunk("[]").unwrap().config.trunks[0].codecs(), None, "media.codecs counts");

    let unknown = sentence(trunk("[\"pcma\", \"g723\"]"));
    assert!(
        unknown.starts_with("1: trunk.codecs has \"g723\", which is no codec of the relay's; choose among PCMU, "),
        "{unknown}"
    );
    assert_eq!(
        sentence(trunk("[\"PCMA\", \"G722\", \"pcma\"]")),
        "1: trunk.codecs has \"PCMA\" twice; name each codec once"
    );
}

/// A trunk that only sites call through, and a site.
const SITE: &str = "[[trunk]]\nname = \"office\"\nhosts = [\"pbx\"]\n\n[[site]]\nname = \"shop\"\ntrunk = \"office\"\n\
    callees = [\"support\"]\norigins = [\"https://shop.example\"]\nsite_key = \"pk_shop_2026\"\n";

#[test]
fn a_trunk_that_only_sites_call_through_needs_no_domain() {
    let config = from_file("site", SITE).expect("good").config;

    assert!(config.check().is_ok());
    assert_eq!((config.sites[0].name.as_str(), config.sites[0].max_calls), ("shop", 20));
}

#[test]
fn each_mistake_in_a_site_is_named_with_its_line_and_remedy() {
    for (from, to, expected) in [
        ("trunk = \"office\"", "trunk = \"ofice\"", "5: site.trunk is \"ofice\", and no [[trunk]] has that name; name"),
        ("callees = [\"support\"]", "", "5: site.callees is missing; say whom"),
        ("[\"support\"]", "[\"+49*\"]", "5: site.callees has patterns only; name one callee without a star"),
        ("[\"support\"]", "[\"a b;c\"]", "8: site.callees cannot be [\"a b;c\"]: it is a list of numbers"),
        ("origins = [\"https://shop.example\"]", "", "5: site.origins is empty; name the pages"),
        ("[\"https://shop.example\"]", "[\"*\"]", "9: site.origins cannot be [\"*\"]: it is a list of origins"),
        ("site_key = \"pk_shop_2026\"", "", "5: site.site_key is missing, and so is every other way to a token; set"),
        ("site_key = \"pk_shop_2026\"", "site_key = \"short\"", "10: site.site_key cannot be \"short\""),
        (
            "site_key = \"pk_shop_2026\"",
            "algorithm = \"none\"",
            "10: site.algorithm cannot be \"none\": it is \"HS256\"",
        ),
        ("site_key = \"pk_shop_2026\"", "algorithm = \"RS256\"", "5: site.key_file is missing; name the file"),
        (
            "hosts = [\"pbx\"]",
            "hosts = [\"pbx\"]\nusername = \"u\"\npassword_env = \"P\"",
            "1: trunk.realm is missing; say which",
        ),
        ("hosts = [\"pbx\"]", "hosts = [\"pbx\"]\npassword_env = \"P\"", "1: trunk.username is missing; say whose"),
    ] {
        let said = from_file("site-mistake", &SITE.replacen(from, to, 1)).expect_err("a mistake").to_string();
        let mut lines = said.lines().filter_map(|line| line.split_once(".toml:"));
        assert!(lines.any(|(_, line)| line.starts_with(expected)), "{expected:?} is not in {said:?}");
    }
}

#[test]
fn a_secret_that_is_not_there_is_told_before_the_relay_starts() {
    let with = |row: &str| from_file("secret", &format!("{SITE}{row}\n")).expect("well formed").config.check();

    let no_file = with("secret_file = \"/does/not/exist\"").expect_err("no file").to_string();
    assert!(no_file.starts_with("site.secret_file is /does/not/exist, which cannot be read"), "{no_file}");
    let no_variable = with("algorithm = \"HS256\"\nkey_env = \"SURELY_NOT_SET\"").expect_err("not set").to_string();
    assert!(no_variable.starts_with("site.key_file is SURELY_NOT_SET, and there is no such"), "{no_variable}");
    let key = TempFile::new("short-key", "too short");
    let short = with(&format!("algorithm = \"HS256\"\nkey_file = {:?}", key.0)).expect_err("too short").to_string();
    assert!(short.starts_with("site.key_file is shorter than 32 bytes"), "{short}");
    let shown = with(&format!("secret_file = {:?}", key.0)).expect_err("too short").to_string();
    assert!(shown.starts_with("site.secret_file is shorter than 32 bytes"), "{shown}");
}

#[test]
fn tls_without_a_certificate_and_addresses_of_the_wrong_family_are_told() {
    let check = |change: &dyn Fn(&mut Config)| {
        let mut config = from_file("tls", TRUNK).unwrap().config;
        change(&mut config);
        config.check().expect_err("nonsense").to_string()
    };
    let no_certificate = check(&|config| config.sip.tls_listen = Some("0.0.0.0:5061".parse().unwrap()));
    assert!(no_certificate.contains("there is no certificate; name one with sip.tls_certificate"), "{no_certificate}");
    let no_file = check(&|config| config.trunks[0].ca = Some("/does/not/exist".into()));
    assert!(no_file.starts_with("trunk.ca is /does/not/exist, which is not a file"), "{no_file}");
    let v4 = check(&|config| config.sip.listen_ipv6 = Some("0.0.0.0:5060".parse().unwrap()));
    assert!(v4.starts_with("sip.listen_ipv6 is 0.0.0.0, which is an IPv4 address"), "{v4}");
}

#[test]
fn two_settings_that_want_one_port_are_told_before_the_start() {
    let said = |change: &dyn Fn(&mut Config)| {
        let mut config = from_file("clash", TRUNK).unwrap().config;
        change(&mut config);
        config.check().map_err(|error| error.to_string())
    };
    let at = |text: &str| text.parse().unwrap();
    assert_eq!(said(&|_| {}), Ok(()));
    let udp = said(&|config| config.media.web_listen = at("0.0.0.0:5060")).unwrap_err();
    assert_eq!(
        udp,
        "media.web_listen asks for UDP port 5060, which sip.listen has already; give one of them another port"
    );
    let tcp = said(&|config| config.web.listen = at("127.0.0.1:5060")).unwrap_err();
    assert!(tcp.starts_with("sip.listen asks for TCP port 5060, which web.listen has already"), "{tcp}");
    let udp_alone = said(&|config| {
        config.web.listen = at("127.0.0.1:5060");
        config.sip.tcp = false;
    });
    assert_eq!(udp_alone, Ok(()));
    assert_eq!(said(&|config| (config.web.listen, config.sip.listen) = (at("127.0.0.1:0"), at("127.0.0.1:0"))), Ok(()));
}

#[test]
fn a_misspelt_level_is_an_error_and_not_a_silent_log() {
    for filter in ["inof", "info,relay_core", "relay_core=loud"] {
        let said = sentence(from_environment("SWITCHHOOK_LOG_FILTER", filter));
        assert!(said.contains("log.filter cannot be"), "{filter}: {said}");
    }
    for filter in ["warn", "relay_core=debug,info", "relay_core::b2bua=TRACE,off"] {
        assert!(from_environment("SWITCHHOOK_LOG_FILTER", filter).is_ok(), "{filter}");
    }
}

#[test]
fn accounts_and_domain_of_the_demo_can_be_written_in_an_address() {
    assert!(from_file("words", "[demo]\naccounts = [\"al ice:x\"]\n").is_err());
    assert!(from_file("words", "[demo]\ndomain = \"a b\"\n").is_err());
    assert!(from_file("words", "[demo]\ndomain = \"shop.example\"\naccounts = [\"a_b.c:x y\"]\n").is_ok());
}
