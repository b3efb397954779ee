// Tables sort by any column; without this script they are the same tables, in the order of the report.
(function () {
  "use strict";
  var lang = document.documentElement.lang || "en";
  var comma = (1.5).toLocaleString(lang).charAt(1) === ",";
  var months = {};
  for (var m = 0; m < 12; m++) {
    months[new Date(2000, m, 1).toLocaleDateString(lang, { month: "short" }).toLowerCase().slice(0, 3)] = m;
  }
  function key(cell) {
    // A cell's number or day: its first one, for "1 to 3" is sorted by 1; null where there is none.
    var text = cell.textContent.replace(/[\u2060\u00a0\u202f]/g, " ").trim();
    var day = text.match(/^(\d{1,2})(?: de)? ([^\W\d]{3})[^\W\d]*\.?(?: de)? (\d{4})$/i);
    if (day && day[2].toLowerCase() in months) {
      return Date.UTC(+day[3], months[day[2].toLowerCase()], +day[1]);
    }
    var found = text.match(/^[^\d\u2212+-]{0,4}([\u2212+-]?)[^\d]{0,4}(\d[\d.,]*)/);
    if (!found) return null;
    var digits = comma ? found[2].replace(/\./g, "").replace(",", ".") : found[2].replace(/,/g, "");
    return (found[1] === "\u2212" || found[1] === "-" ? -1 : 1) * parseFloat(digits);
  }
  function sorter(table, at, head) {
    return function () {
      var down = head.getAttribute("aria-sort") !== "descending";
      var body = table.tBodies[0];
      var rows = Array.prototype.slice.call(body.rows);
      var last = rows.filter(function (r) { return r.cells[0].classList.contains("strong"); });
      rows = rows.filter(function (r) { return last.indexOf(r) < 0; });
      var keyed = rows.map(function (r) {
        return { row: r, number: key(r.cells[at]), text: r.cells[at].textContent.trim() };
      });
      var numbers = keyed.filter(function (k) { return k.number !== null; }).length * 2 > keyed.length;
      keyed.sort(function (a, b) {
        if (numbers) {
          if (a.number === null || b.number === null) return (a.number === null) - (b.number === null);
          return down ? b.number - a.number : a.number - b.number;
        }
        var order = a.text.localeCompare(b.text, lang, { numeric: true });
        return down ? -order : order;
      });
      keyed.forEach(function (k) { body.appendChild(k.row); });
      last.forEach(function (r) { body.appendChild(r); });
      Array.prototype.forEach.call(table.tHead.rows[0].cells, function (h) { h.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    };
  }
  Array.prototype.forEach.call(document.querySelectorAll("table"), function (table) {
    if (!table.tHead || !table.tBodies.length || table.tBodies[0].rows.length < 3) return;
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (head, at) {
      var button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) button.appendChild(head.firstChild);
      head.appendChild(button);
      button.addEventListener("click", sorter(table, at, head));
    });
  });
})();
