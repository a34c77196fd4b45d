// The field of the chat, and keeping its end in sight. The last questions are read from the page.
window.sgChat = (() => {
  const field = () => document.querySelector("textarea.sg-ask");
  const put = (text) => { const it = field(); it.value = text; it.setSelectionRange(text.length, text.length); };
  let back = 0;
  let near = true;
  const older = (it, step) => {
    const said = [...document.querySelectorAll(".sg-question")].map((one) => one.textContent);
    back = Math.min(Math.max(back + step, 0), said.length);
    put(back ? said[said.length - back] : "");
  };
  const down = () => window.scrollTo({ top: document.documentElement.scrollHeight });
  addEventListener("scroll", () => {
    near = innerHeight + scrollY > document.documentElement.scrollHeight - 120;
  }, { passive: true });
  return {
    value: () => field().value,
    focus: () => field()?.focus({ preventScroll: true }),
    fill: (text) => { put(text); field().focus(); },
    // What was taken is cleared, unless something else is written by now.
    taken: (text) => {
      const it = field();
      if (it && it.value.trim() === text.trim()) it.value = "";
      back = 0;
      near = true;
      down();
      it?.focus({ preventScroll: true });
    },
    keys: (event, send) => {
      const it = event.target;
      if (event.isComposing) return;
      if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey) {
        event.preventDefault();
        if (it.value.trim()) send(it.value);
      } else if (event.key === "ArrowUp" && (it.value === "" || back > 0)) {
        event.preventDefault();
        older(it, 1);
      } else if (event.key === "ArrowDown" && back > 0) {
        event.preventDefault();
        older(it, -1);
      } else if (!["Shift", "Control", "Alt", "Meta"].includes(event.key)) {
        back = 0;
      }
    },
    begin: () => {
      const it = field();
      if (!it) return;
      const earlier = document.querySelector(".sg-earlier details");
      if (earlier) earlier.open = innerWidth > 900;
      it.focus({ preventScroll: true });
      it.setSelectionRange(it.value.length, it.value.length);
      const talk = document.querySelector(".sg-talk");
      if (talk) new MutationObserver(() => near && down()).observe(talk, { childList: true, subtree: true });
      if (document.querySelector(".sg-question")) down();
    },
  };
})();
