// The levers recompute their totals from the grid in the page; without this script the table below says the same.
(function () {
  "use strict";
  var lang = document.documentElement.lang || "en";
  function between(grid, rows, a, b) {
    // Bilinear in the two changes: rows by frequency, columns by retention.
    function place(v) {
      var i = 0;
      while (i < grid.length - 2 && v > grid[i + 1]) i++;
      return [i, (v - grid[i]) / (grid[i + 1] - grid[i])];
    }
    var p = place(a), q = place(b);
    function line(r) { return r[q[0]] * (1 - q[1]) + r[q[0] + 1] * q[1]; }
    return line(rows[p[0]]) * (1 - p[1]) + line(rows[p[0] + 1]) * p[1];
  }
  function start(box) {
    var model = JSON.parse(box.dataset.model), choose = box.querySelector("select");
    var inputs = Array.prototype.slice.call(box.querySelectorAll("input[type=range]"));
    var whole = Math.max(model.groups[0].formula, 0) >= 1000;
    function money(v) {
      var format = { minimumFractionDigits: whole ? 0 : 2, maximumFractionDigits: whole ? 0 : 2 };
      try {
        return v.toLocaleString(lang, Object.assign({ style: "currency", currency: model.currency }, format));
      } catch (error) {
        return model.currency + "\u00a0" + v.toLocaleString(lang, format);
      }
    }
    function signed(v, digits) {
      return (v > 0 ? "+" : v < 0 ? "\u2212" : "") +
        Math.abs(v).toLocaleString(lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }) + "%";
    }
    function told(value, base) {
      return money(value) + (base > 0 ? " (" + signed(100 * (value / base - 1), 1) + ")" : "");
    }
    function draw() {
      var by = {};
      inputs.forEach(function (input) {
        by[input.name] = input.value / 100;
        input.parentNode.querySelector("output").textContent = signed(+input.value, 0);
        input.setAttribute("aria-valuetext", signed(+input.value, 0));
      });
      var group = model.groups[choose ? +choose.value : 0];
      var base = between(model.grid, group.surface, 0, 0);
      var value = between(model.grid, group.surface, by.frequency, by.retention) * (1 + by.order_value);
      var formula = group.formula * (1 + by.order_value) * (1 + by.frequency) / (1 - by.retention);
      box.querySelector("[data-out=model]").textContent = told(value, base);
      box.querySelector("[data-out=formula]").textContent = told(formula, group.formula);
    }
    inputs.forEach(function (input) { input.addEventListener("input", draw); });
    if (choose) choose.addEventListener("change", draw);
    box.querySelector("button").addEventListener("click", function () {
      inputs.forEach(function (input) { input.value = 0; });
      draw();
    });
    box.hidden = false;
    draw();
  }
  Array.prototype.forEach.call(document.querySelectorAll(".sliders"), start);
})();
