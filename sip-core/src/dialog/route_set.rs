//! The proxies that stay on the path of a dialog (RFC 3261 §12.1, §12.2.1.1, §16.12).

use crate::message::{HeaderError, HeaderName, NameAddr, Request, Response, Uri};

/// The Route values of requests in a dialog, the next hop first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RouteSet(Vec<NameAddr>);

impl RouteSet {
    /// The caller's: Record-Route from the bottom up (§12.1.2).
    pub(super) fn of_response(response: &Response) -> Result<Self, HeaderError> {
        let mut routes = response.headers.record_routes()?;
        routes.reverse();
        Ok(Self(routes))
    }

    /// The callee's: Record-Route as it came (§12.1.1).
    pub(super) fn of_request(request: &Request) -> Result<Self, HeaderError> {
        request.headers.record_routes().map(Self)
    }

    pub(super) fn as_slice(&self) -> &[NameAddr] {
        &self.0
    }

    /// Gives a request its Request-URI and Route. A first proxy without `lr` routes strictly, as RFC 2543 did: it gets
    /// its own URI as Request-URI, and the target stands last in Route.
    pub(super) fn address(&self, request: &mut Request, target: &Uri) {
        let mut routes = self.0.iter();
        match self.0.first() {
            Some(first) if !first.uri.params.has("lr") => {
                routes.next();
                request.uri = first.uri.to_request_uri();
                push_routes(request, routes);
                let last = NameAddr::new(target.clone()).to_string();
                request.headers.push(HeaderName::Route, last);
            }
            _ => {
                request.uri = target.to_request_uri();
                push_routes(request, routes);
            }
        }
    }
}

fn push_routes<'a>(request: &mut Request, routes: impl Iterator<Item = &'a NameAddr>) {
    for route in routes {
        request.headers.push(HeaderName::Route, route.to_string());
    }
}
