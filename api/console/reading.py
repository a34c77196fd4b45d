"""Whether somebody reads a live list, so that nothing moves under their hand. Start with `reading`."""

from __future__ import annotations

_SCRIPT = """<script>(() => {
  let reads = false, moved = 0;
  const look = () => {
    const list = document.getElementById('LIST');
    const under = list &&
      (list.contains(document.activeElement) || (Date.now() - moved < 4000 && list.matches(':hover')));
    const found = window.scrollY > 80 || !!under;
    if (found !== reads) { reads = found; emitEvent('reading', found); }
  };
  const soon = () => setTimeout(look, 0);
  for (const name of ['scroll', 'focusin', 'focusout', 'mouseout', 'touchstart'])
    addEventListener(name, soon, {passive: true});
  addEventListener('mousemove', () => { moved = Date.now(); soon(); }, {passive: true});
  setInterval(look, 1000);
  addEventListener('popstate', () => location.reload());
})()</script>"""


def reading(list_id: str) -> str:
    """A script that emits `reading` with true or false for the list of that id; and lets Back and Forward work."""
    return _SCRIPT.replace("LIST", list_id)
