// Shows the OpenAPI document. Whoever is signed in by cookie may try unsafe methods too: their CSRF token is fetched.
const root = document.getElementById("docs");
let csrfToken = null;

async function withCsrfToken(request) {
  if (request.method && !["GET", "HEAD"].includes(request.method.toUpperCase())) {
    csrfToken ??= await fetchCsrfToken();
    if (csrfToken) request.headers["X-CSRF-Token"] = csrfToken;
    if (request.url.endsWith("/session")) csrfToken = null;
  }
  return request;
}

async function fetchCsrfToken() {
  const answer = await fetch("/api/v1/session");
  return answer.ok ? (await answer.json()).csrf_token : null;
}

SwaggerUIBundle({
  url: root.dataset.document,
  domNode: root,
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor: withCsrfToken,
});
