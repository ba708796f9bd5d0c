// The sign-in page: shows a token once and gets the cookie of a page for it. Knows one endpoint and two languages.

const KOREAN = {
  about: "운영 콘솔",
  token: "토큰",
  "sign-in": "로그인",
  help: "토큰은 이 콘솔의 운영자가 다음 명령으로 만듭니다:",
  "no-token": "토큰을 입력하세요.",
  "sign-in-needed": "유효하지 않은 토큰입니다.",
  "too-many": "시도가 너무 많습니다. 잠시 후 다시 시도하세요.",
  "database-away": "데이터베이스가 응답하지 않습니다.",
  "no-connection": "연결할 수 없습니다.",
};
// What was chosen on the page behind this one holds here too.
const chosen = (name) => {
  try {
    return localStorage.getItem(`cityvitals.${name}`);
  } catch {
    return null; // storage is forbidden: the browser's own choice stands
  }
};
const isKorean = (chosen("language") ?? navigator.language.toLowerCase()).startsWith("ko");
const theme = chosen("theme");
if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
if (isKorean) {
  document.documentElement.lang = "ko";
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = KOREAN[element.dataset.text];
}

const form = document.getElementById("form");
const token = document.getElementById("token");
const fault = document.getElementById("fault");
const send = document.getElementById("send");

function say(kind, text) {
  fault.textContent = (isKorean && KOREAN[kind]) || text;
  token.setAttribute("aria-invalid", "true");
  send.disabled = false;
  token.focus();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  fault.textContent = "";
  token.removeAttribute("aria-invalid");
  if (!token.value.trim()) {
    say("no-token", "Type the token first.");
    return;
  }
  send.disabled = true;
  let answer;
  try {
    answer = await fetch("/api/v1/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: token.value.trim() }),
      credentials: "same-origin",
    });
  } catch {
    say("no-connection", "No connection.");
    return;
  }
  if (answer.ok) {
    // This page also stands where another one was asked for: there it is shown now.
    if (location.pathname === "/sign-in") location.replace("/");
    else location.reload();
    return;
  }
  const problem = await answer.json().catch(() => ({}));
  say(String(problem.type ?? "").split(":").pop(), problem.detail ?? `status ${answer.status}`);
});
