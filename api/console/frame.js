// What every page does by itself: colours that were chosen, the way to the sign-in, the keyboard's place. No more than that.
(() => {
  "use strict";

  // Light or dark: what was chosen last holds for every page of this browser; `frame.page` and the sign-in read it.
  window.segueTurn = () => {
    const dark = !document.body.classList.contains("body--dark");
    setDark(dark);
    document.cookie = `segue_scheme=${dark ? "dark" : "light"}; path=/console; max-age=31536000; samesite=strict`;
  };

  // A server that was started again knows no sessions; its refusal of the socket looks like a lost connection.
  addEventListener("load", () => {
    window.socket?.io.on("reconnect_error", async () => {
      const answer = await fetch("/console/session", { redirect: "manual" }).catch(() => null);
      if (answer?.type === "opaqueredirect") location.reload();
    });
  });

  // A live view makes its lines anew: whoever stood on one with the keyboard stands on the same one afterwards.
  let stood = null;
  const same = (one) => one.tagName + (one.getAttribute("href") ?? one.getAttribute("aria-label") ?? one.innerText);
  addEventListener("focusin", (event) => {
    stood = event.target.matches("a, button, summary") ? { element: event.target, name: same(event.target) } : null;
  });
  addEventListener("pointerdown", () => (stood = null));
  new MutationObserver(() => {
    if (!stood || stood.element.isConnected || document.activeElement !== document.body) return;
    const again = [...document.querySelectorAll(stood.element.tagName)].find((one) => same(one) === stood.name);
    again?.focus({ preventScroll: true });
  }).observe(document, { childList: true, subtree: true });
})();
