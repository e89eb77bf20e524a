// What htmx needs under this service's policy: its parser may read HTML, but only what this server rendered and escaped.
// The policy object stays in this function, so no other script can use it; scripts inside a part are refused.
(() => {
  if (!window.trustedTypes) return;
  const policy = window.trustedTypes.createPolicy("parts-of-this-page", { createHTML: (html) => html });
  htmx.registerExtension("trusted-parts", { init: (api) => api.initSecurity(policy) });
})();
