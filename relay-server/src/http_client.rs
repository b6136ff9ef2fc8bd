//! One HTTP/1.1 request to an address of the settings (RFC 9112), over TLS where it says https.
//!
//! Redirections are not followed and proxies of the environment are not used: what the settings name is what is asked, and
//! nothing that comes from the network chooses an address.

use crate::streams::tls::{TlsError, provider, roots};
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request, Response, Uri, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Of an answer no more is read; a longer one is none.
const MAX_ANSWER: usize = 64 << 10;

/// An address of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    host: String,
    port: u16,
    is_secure: bool,
    path: String,
}

impl Target {
    /// `https://www.example.com/call`, without user or fragment.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let is_secure = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let host = authority.host().to_owned();
        let port = authority.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        (!host.is_empty() && !url.contains('#')).then_some(Self { host, port, is_secure, path })
    }

    /// As it stands in `Host`.
    fn authority(&self) -> String {
        let default = if self.is_secure { 443 } else { 80 };
        if self.port == default { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

/// Asks one address.
#[derive(Clone)]
pub(crate) struct HttpClient {
    target: Target,
    tls: Option<TlsConnector>,
    timeout: Duration,
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HttpClient({:?})", self.target)
    }
}

impl HttpClient {
    /// `timeout` is for everything, the answer included.
    ///
    /// # Errors
    /// The authorities cannot be read.
    pub(crate) fn new(target: Target, authorities: Option<&Path>, timeout: Duration) -> Result<Self, TlsError> {
        let tls = target.is_secure.then(|| connector(authorities)).transpose()?;
        Ok(Self { target, tls, timeout })
    }

    /// The body of a 200.
    ///
    /// # Errors
    /// Why there is none, for the log.
    pub(crate) async fn ask(&self, request: Request<Body>) -> Result<Vec<u8>, String> {
        let asking = tokio::time::timeout(self.timeout, self.exchange(request));
        asking.await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    async fn exchange(&self, request: Request<Body>) -> Result<Vec<u8>, String> {
        let host = self.target.host.trim_matches(['[', ']']);
        let tcp = TcpStream::connect((host, self.target.port)).await.map_err(|error| error.to_string())?;
        let Some(tls) = &self.tls else { return self.send(tcp, request).await };
        let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
        let secured = tls.connect(name, tcp).await.map_err(|error| error.to_string())?;
        self.send(secured, request).await
    }

    async fn send<S>(&self, stream: S, mut request: Request<Body>) -> Result<Vec<u8>, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let host = HeaderValue::from_str(&self.target.authority()).map_err(|error| error.to_string())?;
        request.headers_mut().insert(header::HOST, host);
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        *request.uri_mut() = self.target.path.parse().map_err(|_| "no path".to_owned())?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        let talking = async {
            let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
            read(response.map(Body::new)).await
        };
        // The connection is driven while there is something to wait for; that it ends is told by the answer.
        let driving = async {
            let _ = connection.await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            answer = talking => answer,
            () = driving => Err("unreachable".to_owned()),
        }
    }
}

async fn read(response: Response<Body>) -> Result<Vec<u8>, String> {
    if response.status().as_u16() != 200 {
        return Err(format!("status {}", response.status().as_u16()));
    }
    let body = to_bytes(response.into_body(), MAX_ANSWER).await.map_err(|error| error.to_string())?;
    Ok(body.to_vec())
}

fn connector(authorities: Option<&Path>) -> Result<TlsConnector, TlsError> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError(error.to_string()))?
        .with_root_certificates(roots(authorities)?)
        .with_no_client_auth();
    Ok(Arc::new(config).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_of_the_web_and_name_nobody() {
        let target = |host: &str, port, is_secure, path: &str| {
            Some(Target { host: host.to_owned(), port, is_secure, path: path.to_owned() })
        };
        assert_eq!(
            Target::parse("https://www.example.com/call?x=1"),
            target("www.example.com", 443, true, "/call?x=1")
        );
        assert_eq!(Target::parse("http://[::1]:8080"), target("[::1]", 8080, false, "/"));
        for wrong in ["", "/call", "ftp://x/", "file:///etc/passwd", "https://u:p@x/", "https://x/#here", "https://"] {
            assert_eq!(Target::parse(wrong), None, "{wrong}");
        }
    }
}
