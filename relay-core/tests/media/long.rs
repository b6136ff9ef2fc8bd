//! Calls that last: rollovers of the sequence number (RFC 3711 §3.3.1), and a hold that is longer than one.

use crate::world::*;
use relay_core::media::control::*;
use sip_core::Duration;

const MS20: Duration = Duration::from_millis(20);
const WRAP: u32 = 65_536;

/// G.711 on both legs, which passes as it is: an hour of it is soon over.
fn connected() -> World {
    let mut world = World::open(Options::default());
    let remote = WebRemote {
        codec: WebCodec::G711(G711Law::Mu, 0),
        telephone_event: None,
        ..world.web_remote(Direction::SENDRECV)
    };
    world.command(MediaCommand::Web { id: ID, remote });
    world.describe_trunk(world.pbx.address, Direction::SENDRECV, MS20);
    world.connect();
    world
}

/// Both say `numbers`, and each hears the other's without a gap.
fn exchange(world: &mut World, numbers: core::ops::Range<u32>) {
    for number in numbers {
        let payload: Vec<u8> = (0..160_u32).map(|n| (n + number) as u8 | 0x80).collect();
        let browser = world.browser.packet(0, false, number * 160, &payload);
        let pbx = world.pbx.packet(0, false, number * 160, &payload);
        world.browser_sends(&browser);
        world.pbx_sends(&pbx);
        let at_pbx = world.pbx.received.pop().unwrap_or_else(|| panic!("{number} did not reach the PBX")).1;
        let at_browser = world.browser.received.pop().unwrap_or_else(|| panic!("{number} did not reach the browser")).1;
        assert_eq!((&at_pbx.payload[..], &at_browser.payload[..]), (&payload[..], &payload[..]));
        world.browser.answers.clear();
        if number % 1_000 == 0 {
            world.check();
        }
        world.now += MS20;
        world.run(0);
    }
}

#[test]
fn sound_goes_on_both_ways_over_three_rollovers() {
    let mut world = connected();
    exchange(&mut world, 0..3 * WRAP + 100);
}

#[test]
fn after_a_hold_longer_than_a_rollover_both_are_heard() {
    let mut world = connected();
    exchange(&mut world, 0..1_000);
    let inactive = Direction { send: false, receive: false };
    world.describe_trunk(world.pbx.address, inactive, MS20);
    // Eleven minutes and more: the browser speaks on, nobody listens.
    for number in 1_000..71_000 {
        let unheard = world.browser.packet(0, false, number * 160, &[0xFF; 160]);
        world.browser_sends(&unheard);
        if number % 1_000 == 0 {
            world.check();
        }
        world.now += MS20;
    }
    assert_eq!((world.pbx.received.len(), world.browser.received.len()), (0, 0));
    world.describe_trunk(world.pbx.address, Direction::SENDRECV, MS20);
    world.run(20);
    exchange(&mut world, 71_000..75_000);
}
