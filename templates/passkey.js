// Forms that a passkey answers: the browser asks the authenticator, and the form carries its answer.
// Without this script, or where the browser knows no passkeys, such a form stays hidden.
"use strict";

function toBytes(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function toText(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// What the server wrote as JSON, with bytes where the browser wants bytes.
function readOptions(json) {
  const options = JSON.parse(json);
  options.challenge = toBytes(options.challenge);
  if (options.user) options.user.id = toBytes(options.user.id);
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    for (const entry of options[list] || []) entry.id = toBytes(entry.id);
  }
  return options;
}

// The other way round.
function writeAnswer(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  const id = toText(credential.rawId);
  return JSON.stringify({ id, rawId: id, type: credential.type, response });
}

function explain(error) {
  if (error.name === "NotAllowedError") return "Nothing came from the passkey: it took too long, or was not allowed.";
  if (error.name === "InvalidStateError") return "This authenticator has a passkey for your account already.";
  if (error.name === "SecurityError") return "Passkeys work at the index's own address only.";
  return `The browser could not use a passkey: ${error.message}`;
}

async function ask(form) {
  const publicKey = readOptions(form.dataset.options);
  const credential = form.dataset.passkey === "create"
    ? await navigator.credentials.create({ publicKey })
    : await navigator.credentials.get({ publicKey });
  form.elements.passkey.value = writeAnswer(credential);
  form.submit();
}

for (const form of document.querySelectorAll("[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  const problem = form.querySelector("[data-problem]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    try {
      await ask(form);
    } catch (error) {
      problem.textContent = explain(error);
      problem.hidden = false;
    }
  });
}
