//! The command line, as a person types it.

use clap::Parser;
use relay_server::cli::{Arguments, Command};
use relay_server::config::ConfigError;

fn arguments(line: &str) -> Arguments {
    Arguments::try_parse_from(line.split(' ')).expect("flags that exist")
}

#[test]
fn serve_is_what_happens_without_a_command() {
    let arguments = arguments("switchhook-relay --listen 0.0.0.0:80 --next-hop pbx.example.com");

    let config = arguments.settings(Vec::new()).unwrap().config;

    assert_eq!(arguments.command, None);
    assert_eq!(config.web.listen.to_string(), "0.0.0.0:80");
    assert_eq!((config.sip.domains[0].name.as_str(), config.sip.domains[0].host.as_str()), ("*", "pbx.example.com"));
    assert!(config.check().is_ok());
}

#[test]
fn flags_may_follow_the_command() {
    let arguments = arguments("switchhook-relay demo --listen 127.0.0.1:8081 --site . --origin http://localhost:3000");

    let config = arguments.settings(Vec::new()).unwrap().config;

    assert_eq!(arguments.command, Some(Command::Demo));
    assert_eq!(config.web.listen.port(), 8081);
    assert_eq!(config.web.origins, ["http://localhost:3000"]);
}

#[test]
fn set_reaches_every_key_and_a_flag_of_its_own_wins() {
    let arguments =
        arguments("switchhook-relay --set web.listen=127.0.0.1:1 --set limits.calls=7 --listen 127.0.0.1:2");

    let config = arguments.settings(Vec::new()).unwrap().config;

    assert_eq!(config.limits.calls, 7);
    assert_eq!(config.web.listen.port(), 2);
}

#[test]
fn a_wrong_flag_names_itself() {
    let wrong = arguments("switchhook-relay --listen here").settings(Vec::new()).expect_err("not an address");

    assert!(matches!(wrong, ConfigError::WrongValue { .. }));
    assert!(wrong.to_string().starts_with("flag --listen: web.listen cannot be \"here\""), "{wrong}");
}

#[test]
fn set_needs_a_key_that_exists() {
    let wrong = arguments("switchhook-relay --set web.listn=x").settings(Vec::new()).expect_err("no such key");

    assert_eq!(wrong.to_string(), "flag --set: there is no key \"web.listn\"; did you mean \"web.listen\"?");
}
