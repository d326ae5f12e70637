// The member's page: shows the live code and the questions of tills as they come. Everything works without it, by links.
"use strict";
(() => {
  const PERIOD_S = 30;
  const POLL_MS = 2000;
  const AGAIN_MS = 5000;
  const byId = (id) => document.getElementById(id);

  // The live code ---------------------------------------------------------------------------------------------------
  const figure = byId("code");
  const picture = byId("code-picture");
  const left = byId("code-left");
  const next = byId("code-next");
  const hint = byId("hint");
  const tabs = { card: byId("show-static"), live: byId("show-live") };
  const cardPicture = picture.innerHTML;
  let live = false;
  let until = 0; // by the browser's steady clock: what time of day it thinks it is does not matter
  let ticking = 0;
  let asking = false;

  const show = (isLive, text) => {
    live = isLive;
    left.hidden = next.hidden = !isLive;
    for (const tab of [tabs.card, tabs.live]) tab.removeAttribute("aria-current");
    (isLive ? tabs.live : tabs.card).setAttribute("aria-current", "true");
    hint.textContent = text || (isLive ? hint.dataset.live : hint.dataset.static);
    if (!isLive) {
      picture.innerHTML = cardPicture;
      clearInterval(ticking);
    }
  };

  const renew = async () => {
    if (asking) return;
    asking = true;
    try {
      const answer = await fetch(figure.dataset.from, { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const code = await answer.json();
      if (!live) return;
      picture.innerHTML = code.svg;
      until = performance.now() + code.left_s * 1000;
    } catch {
      if (live && performance.now() >= until) show(false, figure.dataset.offline);
    } finally {
      asking = false;
    }
  };

  const tick = () => {
    if (document.hidden) return;
    const seconds = Math.max(0, Math.ceil((until - performance.now()) / 1000));
    left.value = Math.min(PERIOD_S, seconds);
    next.textContent = next.hidden || !until ? "" : figure.dataset.next.replace("#", seconds);
    if (seconds === 0) renew();
  };

  tabs.live.addEventListener("click", async (event) => {
    event.preventDefault();
    if (live) return;
    until = 0;
    show(true);
    await renew();
    if (!live) return;
    tick();
    clearInterval(ticking);
    ticking = setInterval(tick, 500);
  });
  tabs.card.addEventListener("click", (event) => {
    event.preventDefault();
    show(false);
  });

  // The questions of tills ------------------------------------------------------------------------------------------
  const questions = byId("questions");

  // A question that is there already stays as it is: somebody may be pressing its button.
  const put = (text) => {
    const box = document.createElement("template");
    box.innerHTML = text;
    const come = [...box.content.querySelectorAll(".question")];
    const ids = new Set(come.map((question) => question.id));
    for (const question of questions.querySelectorAll(".question")) if (!ids.has(question.id)) question.remove();
    const fresh = come.filter((question) => !byId(question.id));
    questions.append(...fresh);
    if (!fresh.length) return;
    fresh[0].scrollIntoView({ block: "start" });
    if (navigator.vibrate && navigator.userActivation && navigator.userActivation.hasBeenActive) navigator.vibrate(200);
  };

  const look = async () => {
    let wait = POLL_MS;
    if (!document.hidden) {
      try {
        const answer = await fetch(questions.dataset.from, { cache: "no-store" });
        if (!answer.ok) throw new Error(String(answer.status));
        put(await answer.text());
      } catch {
        wait = AGAIN_MS;
      }
    }
    timer = setTimeout(look, wait);
  };
  let timer = setTimeout(look, POLL_MS);

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    clearTimeout(timer);
    look();
    if (live) tick();
  });
})();
