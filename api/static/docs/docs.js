// Starts Swagger UI on the description that this service gives of itself.
"use strict";
const place = document.getElementById("api");
window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.description,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // asks a stranger's server otherwise
  persistAuthorization: false,
  presets: [window.SwaggerUIBundle.presets.apis],
});
