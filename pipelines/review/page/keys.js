// Runs once in Argilla's own page, where the questions are.
(() => {
  if (window.srtReview) return;

  // A score from the keyboard. Argilla waits 0.3 s for the 0 of a 10 and then stores 1. Here a 1 is a
  // 1 until a 0 follows, however late; any other key or a click goes on to the next question.
  let one = null; // The score question that the last key gave a 1.
  let lastInput = null;

  function choose(question, value) {
    const input = document.getElementById(`${question}_${value}`);
    if (input && !input.checked) input.click();
  }

  function isWriting(target) {
    return target.isContentEditable || target.matches("textarea, input:not([type=checkbox])");
  }

  function onKey(event) {
    if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
    const pending = one;
    one = null;
    if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
    const question = /^(score_[ab])_\d+$/.exec(event.target.id)?.[1];
    if (event.key === "0" && pending) choose(pending, 10);
    else if (question && /^\d$/.test(event.key)) {
      choose(question, event.key);
      if (event.key === "1") one = question;
    } else if (event.code === "NumpadEnter") {
      // Argilla knows the other Enter only.
      document.querySelector("form.questions-form button[type=submit]:not([disabled])")?.click();
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  window.addEventListener("keydown", onKey, true);
  window.addEventListener("pointerdown", () => (one = null), true);
  window.addEventListener("focusin", (event) => {
    if (event.target.closest?.("form.questions-form")) lastInput = event.target;
  });

  // What annotators write comes back to this page in a script; see escape.py, which has the same rule.
  const UNSAFE = /<(?=\/?script|!--)|\$(?=[$\x26\x60\x27])|#(?=TEMPLATE#)/gi;
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (body) {
    return send.call(this, typeof body === "string" ? body.replace(UNSAFE, (sign) => sign + "\u2060") : body);
  };

  const FIRST = ["better", "score_a", "score_b"];
  window.srtReview = {
    /** Whether the questions that come before the critique are answered, as far as can be seen. */
    isDecided() {
      const inputs = (question, state) => document.querySelector(`input[id^="${question}_"]${state}`);
      return FIRST.every((question) => inputs(question, ":checked") || !inputs(question, ""));
    },
    /** Give the keyboard back to the questions. */
    refocus() {
      if (lastInput?.isConnected) lastInput.focus({ preventScroll: true });
    },
  };
})();
