//! The loop between the phone and the browser.
//!
//! Whatever happens (a command, a message, a timer) goes to the phone first; then everything it wants is done, in
//! order, until it names its next deadline. The phone is borrowed only while it thinks: no JavaScript runs meanwhile,
//! so nothing that JavaScript does can find it borrowed. It decides nothing.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use js_sys::{Date, Function};
use sip_core::{Instant, SocketId};
use wasm_bindgen::{JsCast, JsValue};

use crate::browser::queue_microtask;
use crate::command::CoreCommand;
use crate::media::{Media, MediaSettings};
use crate::phone::{Output, Phone};
use crate::socket::Socket;
use crate::types::{CoreConfig, CoreEvent, ErrorInfo};

/// Events that may wait for the page; it drains them in the microtask after they happened.
const MAX_EVENTS: usize = 1_024;
/// The longest timer; browsers overflow at 2^31 milliseconds.
const LONGEST_TIMER_MS: u64 = 3_600_000;

/// The phone and the browser objects that act for it.
pub(crate) struct Shell {
    me: Weak<Shell>,
    phone: RefCell<Phone>,
    /// Their addresses, as the phone counts them.
    servers: Vec<String>,
    media_settings: MediaSettings,
    clock: Clock,
    socket: RefCell<Option<Socket>>,
    /// By call; there are few.
    media: RefCell<Vec<(u32, Rc<Media>)>>,
    events: RefCell<Vec<CoreEvent>>,
    dropped_events: Cell<u32>,
    wake: Function,
    is_woken: Cell<bool>,
    is_driving: Cell<bool>,
    timer: RefCell<Option<(Instant, Timeout)>>,
    listeners: RefCell<Vec<EventListener>>,
}

impl Shell {
    /// A shell around a new phone.
    pub(crate) fn new(config: CoreConfig, seed: [u8; 32], wake: Function) -> Result<Rc<Self>, Box<ErrorInfo>> {
        let phone = RefCell::new(Phone::new(&config, seed)?);
        Ok(Rc::new_cyclic(|me| Self {
            me: me.clone(),
            phone,
            media_settings: MediaSettings::new(&config),
            servers: servers(config),
            clock: Clock::new(),
            socket: RefCell::default(),
            media: RefCell::default(),
            events: RefCell::default(),
            dropped_events: Cell::new(0),
            wake,
            is_woken: Cell::new(false),
            is_driving: Cell::new(false),
            timer: RefCell::default(),
            listeners: RefCell::new(crate::page::listen(me)),
        }))
    }

    /// Tells the phone something, then does what it wants.
    pub(crate) fn tell<T>(&self, tell: impl FnOnce(&mut Phone, Instant) -> T) -> T {
        let result = tell(&mut self.phone.borrow_mut(), self.clock.now());
        self.drive();
        result
    }

    /// Takes the events that wait.
    pub(crate) fn drain(&self) -> Vec<CoreEvent> {
        self.is_woken.set(false);
        self.events.take()
    }

    /// The media of a call, made when first asked for.
    pub(crate) fn media(&self, call: u32) -> Rc<Media> {
        self.media_of(call).unwrap_or_else(|| {
            let media = Rc::new(Media::new(call, self.me.clone(), self.media_settings.clone()));
            self.media.borrow_mut().push((call, Rc::clone(&media)));
            media
        })
    }

    /// The media of a call that has some.
    pub(crate) fn media_of(&self, call: u32) -> Option<Rc<Media>> {
        self.media.borrow().iter().find(|(id, _)| *id == call).map(|(_, media)| Rc::clone(media))
    }

    /// Does what the page asks for, and returns the id of what that made.
    pub(crate) fn command(&self, command: &CoreCommand) -> Result<u32, Box<ErrorInfo>> {
        let now = self.clock.now();
        let done = command.run(&mut self.phone.borrow_mut(), now);
        if let (Ok(call), Some(stream)) = (&done, command.stream()) {
            // Before the phone's wish for a description is granted.
            self.give_stream(*call, stream);
        }
        self.drive();
        done
    }

    /// Has the page's own sound sent in a call.
    fn give_stream(&self, call: u32, stream: &JsValue) {
        if !stream.is_undefined() && !stream.is_null() {
            self.media(call).give(stream.unchecked_ref());
        }
    }

    /// Lets go of everything that the browser holds for us.
    pub(crate) fn dispose(&self) {
        self.tell(Phone::disconnect);
        self.listeners.take();
        self.timer.take();
        self.socket.take();
        self.media.take().iter().for_each(|(_, media)| media.close());
    }

    fn drive(&self) {
        if self.is_driving.replace(true) {
            return;
        }
        loop {
            let output = self.phone.borrow_mut().poll_output(self.clock.now());
            match output {
                Output::OpenSocket { socket, server } => self.open_socket(socket, server),
                Output::CloseSocket(id) => self.close_socket(id),
                Output::Send { socket, bytes } => self.send(socket, &bytes),
                Output::MakeOffer { call, fresh } => self.media(call).make_offer(fresh),
                Output::MakeAnswer { call, offer, fresh } => self.media(call).make_answer(offer, fresh),
                Output::ApplyAnswer { call, answer } => self.media(call).apply_answer(answer),
                Output::SetMuted { call, muted } => self.media(call).set_muted(muted),
                Output::SetWay { call, way } => self.media(call).set_way(way),
                Output::RollBack { call } => self.media(call).roll_back(),
                Output::SendTones { call, digits, tone_ms, gap_ms } => {
                    self.send_tones(call, &digits, (tone_ms, gap_ms))
                }
                Output::CloseMedia { call } => self.close_media(call),
                Output::Event(event) => self.push(event),
                Output::Timeout(at) => break self.arm(at),
            }
        }
        self.is_driving.set(false);
    }

    fn open_socket(&self, id: SocketId, server: usize) {
        let url = self.servers.get(server).map_or("", String::as_str);
        match Socket::open(url, id, &self.me) {
            Ok(socket) => drop(self.socket.replace(Some(socket))),
            Err(_) => self.tell(|phone, now| phone.handle_socket_closed(id, None, now)),
        }
    }

    fn close_socket(&self, id: SocketId) {
        let is_it = self.socket.borrow().as_ref().is_some_and(|socket| socket.id == id);
        if is_it {
            self.socket.take();
        }
    }

    fn send(&self, id: SocketId, bytes: &[u8]) {
        if let Some(socket) = self.socket.borrow().as_ref().filter(|socket| socket.id == id) {
            socket.send(bytes);
        }
    }

    fn send_tones(&self, call: u32, digits: &str, times: (u32, u32)) {
        if !self.media(call).send_tones(digits, times) {
            self.tell(|phone, now| phone.handle_tones_refused(call, digits, times, now));
        }
    }

    fn close_media(&self, call: u32) {
        if let Some(media) = self.media_of(call) {
            self.media.borrow_mut().retain(|(id, _)| *id != call);
            media.close();
        }
    }

    fn push(&self, event: CoreEvent) {
        let mut events = self.events.borrow_mut();
        if events.len() >= MAX_EVENTS {
            self.dropped_events.set(self.dropped_events.get().saturating_add(1));
            return;
        }
        events.push(event);
        if !self.is_woken.replace(true) {
            queue_microtask(&self.wake);
        }
    }

    /// One timer, set anew only when the deadline moved.
    fn arm(&self, at: Option<Instant>) {
        let armed = self.timer.borrow().as_ref().map(|(armed, _)| *armed);
        if armed == at {
            return;
        }
        let timer = at.map(|at| {
            let wait = at.since(self.clock.now());
            let wait = wait.as_secs().min(LONGEST_TIMER_MS) * 1_000 + u64::from(wait.subsec_micros().div_ceil(1_000));
            let wait = wait.min(LONGEST_TIMER_MS);
            let me = self.me.clone();
            (at, Timeout::new(u32::try_from(wait).unwrap_or(u32::MAX), move || expire(&me)))
        });
        drop(self.timer.replace(timer));
    }
}

fn servers(config: CoreConfig) -> Vec<String> {
    if config.servers.is_empty() {
        return vec![config.server];
    }
    config.servers.into_iter().map(|(url, _)| url).collect()
}

fn expire(shell: &Weak<Shell>) {
    if let Some(shell) = shell.upgrade() {
        // It has fired, so none is armed now, even where the next deadline is the same.
        let fired = shell.timer.take();
        shell.tell(Phone::handle_timeout);
        drop(fired);
    }
}

/// The time since the shell was made. It goes on while the computer sleeps, and never back.
struct Clock {
    read: Cell<f64>,
    elapsed_ms: Cell<f64>,
}

impl Clock {
    fn new() -> Self {
        Self { read: Cell::new(Date::now()), elapsed_ms: Cell::new(0.0) }
    }

    fn now(&self) -> Instant {
        let date = Date::now();
        let passed = (date - self.read.replace(date)).max(0.0);
        self.elapsed_ms.set(self.elapsed_ms.get() + passed);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a sum of non-negative differences"
        )]
        Instant::from_millis(self.elapsed_ms.get() as u64)
    }
}
