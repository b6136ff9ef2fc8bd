//! Foreign programs as PBXs: Debian's Kamailio and SIPp. Each ends with its value.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than a start takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A port that was free a moment ago, for UDP and TCP both.
pub(crate) fn free_port(host: &str) -> u16 {
    loop {
        let socket = UdpSocket::bind((host, 0)).expect("a port");
        let port = socket.local_addr().expect("bound").port();
        if TcpListener::bind((host, port)).is_ok() {
            return port;
        }
    }
}

/// A program that is killed when nobody needs it any more.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command) -> Program {
    let name = command.get_program().to_owned();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    Program(child.unwrap_or_else(|error| panic!("{name:?}: {error}; scripts/setup.sh test installs it")))
}

/// A registrar and proxy on UDP, TCP and TLS.
pub(crate) struct Kamailio {
    program: Program,
    run: PathBuf,
    pub(crate) port: u16,
    pub(crate) tls: u16,
}

impl Kamailio {
    /// With a certificate and its key as files.
    pub(crate) fn start(label: &str, certificate: &Path, key: &Path) -> Self {
        let run = std::env::temp_dir().join(format!("switchhook-kamailio-{}-{label}", std::process::id()));
        fs::create_dir_all(&run).expect("a temporary directory");
        let (port, tls) = (free_port("127.0.0.1"), free_port("127.0.0.1"));
        let method = "method = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\n";
        let (certificate, key) = (certificate.display(), key.display());
        let settings = format!(
            "[server:default]\n{method}certificate = {certificate}\nprivate_key = {key}\n[client:default]\n{method}"
        );
        fs::write(run.join("tls.cfg"), settings).expect("written");
        let config = include_str!("kamailio.cfg")
            .replace("@PORT@", &port.to_string())
            .replace("@TLS@", &tls.to_string())
            .replace("@RUN@", &run.display().to_string())
            .replace("@MODULES@", &modules());
        fs::write(run.join("kamailio.cfg"), config).expect("written");
        let mut command = Command::new(std::env::var("KAMAILIO").unwrap_or_else(|_| "/usr/sbin/kamailio".to_owned()));
        command.args(["-DD", "-E", "-m", "32", "-M", "8", "-n", "2", "-f"]).arg(run.join("kamailio.cfg"));
        command.arg("-Y").arg(&run).arg("-P").arg(run.join("pid"));
        let program = start(&mut command);
        let this = Self { program, run, port, tls };
        this.wait();
        this
    }

    fn wait(&self) {
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.tls)).is_err() {
            assert!(began.elapsed() < PATIENCE, "Kamailio does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // Its children end with it when it is asked; killed, it would leave them.
        let pid = self.program.0.id().to_string();
        let _ = Command::new("kill").arg(pid).status();
        let _ = self.program.0.wait();
        let _ = fs::remove_dir_all(&self.run);
    }
}

/// Debian keeps modules under the machine's architecture.
fn modules() -> String {
    let folders = fs::read_dir("/usr/lib").expect("/usr/lib").flatten();
    let mut candidates = folders.map(|entry| entry.path().join("kamailio/modules"));
    let found = candidates.find(|path| path.join("tls.so").is_file());
    format!("{}/", found.expect("Kamailio's modules; scripts/setup.sh test installs them").display())
}

/// SIPp as a phone that answers one call.
pub(crate) struct Sipp(Program);

impl Sipp {
    /// `transport` is SIPp's own word: `u1`, `t1`.
    pub(crate) fn answering(host: &str, port: u16, transport: &str) -> Self {
        let literal = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let port = port.to_string();
        let mut command = Command::new("sipp");
        command.args(["-sn", "uas", "-t", transport, "-i", &literal, "-p", &port, "-mi", &literal, "-m", "1"]);
        command.args(["-nostdin", "-timeout", "40s", "-timeout_error"]).current_dir(std::env::temp_dir());
        Self(start(&mut command))
    }

    /// Waits for its end: whether its call went as it should.
    pub(crate) fn ends_well(mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < PATIENCE * 2 {
            if let Some(status) = self.0.0.try_wait().expect("a child") {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}
