//! Every path of the API, in one table: the router, the OpenAPI file and the tests are made from it.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, Uri};
use axum::routing::{MethodFilter, MethodRouter, on};

use super::door::{Door, Serves};
use super::endpoint::{Access, Endpoint};
use super::endpoints::{
    audit, config, explain, health, hooks, letters, plugins, run, set, tap, tokens, verbs, versions,
};
use super::page;
use super::state::State;

/// All of them, in the order in which people read of them.
pub(super) static ENDPOINTS: [&Endpoint; 29] = [
    &health::LIVE,
    &health::READY,
    &health::METRICS,
    &run::STATUS,
    &run::CONFIG,
    &config::DIFF,
    &config::RELOAD,
    &hooks::LIST,
    &plugins::LOAD,
    &hooks::ONE,
    &set::SET,
    &verbs::UNLOAD,
    &plugins::UPLOAD,
    &versions::VERSIONS,
    &versions::CANDIDATE,
    &verbs::PROMOTE,
    &verbs::ROLLBACK,
    &verbs::PAUSE,
    &verbs::RESUME,
    &verbs::MOVE,
    &verbs::RELOAD,
    &verbs::REVERT,
    &explain::EXPLAIN,
    &tap::TAP,
    &letters::LIST,
    &tokens::LIST,
    &tokens::REVOKE,
    &audit::AUDIT,
    &run::OPENAPI,
];

/// Where the description of all of them is.
pub(super) const OPENAPI: &str = "/api/v1/openapi.json";

/// What such a listener serves.
pub(super) fn router(state: Arc<State>, serves: Serves) -> Router {
    let door = Arc::new(Door::new(state, serves));
    let mut router = match serves {
        Serves::Api => page::router(),
        Serves::Metrics => Router::new(),
    };
    for endpoint in ENDPOINTS {
        if serves == Serves::Api || matches!(endpoint.access, Access::Anyone | Access::Scrape) {
            router = router.route(endpoint.path, method(endpoint, &door));
        }
    }
    let (nothing, no_method) = (door.clone(), door);
    router
        .fallback(move |uri: Uri, request: Request| nothing.nothing(uri, request.into_parts().0))
        .method_not_allowed_fallback(move |method: Method, uri: Uri, request: Request| {
            no_method.no_method(method, uri, request.into_parts().0)
        })
}

fn method(endpoint: &'static Endpoint, door: &Arc<Door>) -> MethodRouter {
    let door = door.clone();
    // The table has no method that this does not know; a test asks every endpoint.
    let filter = MethodFilter::try_from(endpoint.method.clone()).unwrap_or(MethodFilter::GET);
    on(filter, move |request: Request| door.answer(endpoint, request))
}
