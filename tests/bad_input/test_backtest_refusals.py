"""Is a wrong backtest, or a wrong file of predictions, refused in words: what, how many, the first, what to type?"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.elsewhere import read_predictions
from clvmodels.errors import InputError
from clvmodels.transactions import read_transactions


@pytest.fixture(scope="module")
def log():
    return read_transactions("cdnow-sample")


def message(source, **options) -> str:
    with pytest.raises(InputError) as caught:
        clv.backtest(source, **({"families": ["nbd"], "spends": [], "resamples": 20} | options))
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"families": ["magic"]}, "there is no purchase family 'magic'. Choose among bgnbd, "),
        ({"spends": ["nbd"]}, "there is no spend family 'nbd'. Choose among gamma_gamma"),
        ({"families": []}, "no purchase family is left. Name at least one"),
        ({"method": "guess"}, "method 'guess' is not known. Choose mle, posterior, nuts."),
        ({"resamples": 5}, "resamples is 5. 95 % limits need at least 20; the default is 500."),
        ({"workers": 0}, "workers is 0. It is a number of processes"),
        ({"unit": "month"}, "unit 'month' is not known"),
        ({"cutoffs": 0}, "cutoffs is 0. Give how many, from 1, or a list of days."),
        ({"cutoffs": []}, "no cut-off is given"),
        ({"cutoffs": 1000}, "1000 cut-offs do not fit: calibration and holdout leave "),
        ({"cutoffs": ["yesterday"]}, "cut-off 'yesterday' is not a date"),
        ({"cutoffs": ["1990-01-01"]}, "1 of 1 cut-offs lie before the first transaction, on 1997-01-01"),
        ({"cutoffs": ["1998-06-01"], "horizon": "90 days"}, "leave less than the horizon of 90 days up to 1998-06-30"),
        ({"horizon": "1998-06-30"}, "horizon '1998-06-30' is no length of time: every cut-off has the same."),
        ({"horizon": "2 years"}, "a calibration of 181 days and a holdout of 730 do not fit into it"),
        ({"min_calibration": "40"}, "minimum calibration '40' is no length of time"),
        ({"until": "1997-01-02"}, "too short to be cut"),
        ({"missing": "guess", "predictions": pd.DataFrame({"customer_id": [1], "purchases": [1]})}, "missing 'guess'"),
    ],
)
def test_wrong_options(log, options, words) -> None:
    assert words in message(log, **options)


def test_all_problems_at_once(log) -> None:
    said = message(log, families=["magic"], method="guess", resamples=1)
    assert said.startswith("the backtest cannot start; 3 problems:")


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (lambda known, horizon: 1.0, "predictor 'mine' did not answer with (purchases, value)"),
        (lambda known, horizon: (np.ones(3), None), "purchases has shape (3,) for 2,357 customers. Give one number"),
        (lambda known, horizon: (np.full(len(known.frame), np.nan), None), "missing or infinite for 2,357 customers"),
    ],
)
def test_wrong_predictors(log, other, words) -> None:
    assert words in message(log, others={"mine": other}, cutoffs=1)


def test_names_that_are_taken(log) -> None:
    assert "'hiatus' is a predictor already" in message(log, others={"hiatus": lambda known, horizon: (None, None)})


def test_a_cutoff_that_cannot_be_judged_is_a_row_with_its_reason() -> None:
    table = pd.DataFrame(
        {"customer_id": [1, 1, 2, 2], "date": ["2024-01-01", "2024-02-01", "2024-01-05", "2024-06-20"], "value": 1.0}
    )
    result = clv.backtest(table, cutoffs=["2024-02-10", "2024-05-26"], horizon="25 days", spends=[], resamples=20)
    assert result.cutoffs == [dt.date(2024, 5, 26)]
    row = result.skipped[result.skipped["family"] == ""].iloc[0]
    assert row["cutoff"] == dt.date(2024, 2, 10)
    assert "no purchase falls in the holdout" in row["reason"]
    assert "no cut-off can be judged. At 2024-02-10: no purchase" in message(
        table, cutoffs=["2024-02-10"], horizon="25 days"
    )


# ----------------------------------------------------------------------------------------- predictions made elsewhere

GOOD = pd.DataFrame({"customer_id": [1, 2], "purchases": [0.5, 1.0]})


def refused(table) -> str:
    with pytest.raises(InputError) as caught:
        read_predictions(table).at(dt.date(2024, 6, 30), pd.Series([1, 2]))
    return str(caught.value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (GOOD.rename(columns={"customer_id": "who"}), "has no column customer_id. Its columns are 'who', 'purchases'."),
        (GOOD.rename(columns={"purchases": "prediction"}), "has no column purchases, nor value."),
        (GOOD.iloc[:0], "has no rows"),
        (
            GOOD.assign(purchases=[np.inf, -1]),
            "purchases is missing or no finite number in 1 of 2 rows (first: customer 1",
        ),
        (GOOD.assign(purchases=[1, -1]), "purchases is negative in 1 of 2 rows (first: customer 2, '-1')"),
        (GOOD.assign(purchases=["1", "many"]), "no finite number in 1 of 2 rows (first: customer 2, 'many')"),
        (GOOD.assign(customer_id=[1, 1]), "1 of 2 rows predict a customer predicted before (first: 1)"),
        (GOOD.assign(customer_id=[1, None]), "customer_id is empty in 1 of 2 rows"),
        (GOOD.assign(cutoff=["2024-06-30", "soon"]), "cutoff is no date in 1 of 2 rows (first: 'soon')"),
        (GOOD.iloc[:1], "'elsewhere' says nothing of 1 of 2 customers (first: 2)"),
        (
            GOOD.assign(customer_id=[1, 3]),
            "'elsewhere' predicts 1 customer who has not bought by the cut-off (first: 3)",
        ),
        (GOOD.assign(cutoff="2024-07-31"), "A prediction made on 2024-07-31 has seen 31 days of what it is judged by."),
        (GOOD.assign(cutoff="2024-05-31"), "A prediction made earlier is for other days."),
        (3, "a int holds no predictions"),
    ],
)
def test_wrong_predictions(table, words) -> None:
    assert words in refused(table)


def test_files(tmp_path) -> None:
    assert "No such file" in refused(tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text("")
    assert "neither CSV in UTF-8 nor Parquet" in refused(tmp_path / "empty.csv")
    (tmp_path / "table.parquet").write_text("no")
    assert "neither CSV in UTF-8 nor Parquet" in refused(tmp_path / "table.parquet")
    GOOD.to_csv(tmp_path / "theirs.csv", sep=";", index=False)
    GOOD.to_parquet(tmp_path / "theirs.parquet")
    for name in ("theirs.csv", "theirs.parquet"):
        found = read_predictions(tmp_path / name).at(dt.date(2024, 6, 30), pd.Series(["2", "1"]))
        assert found["theirs"][0].tolist() == [1.0, 0.5]
    GOOD.to_csv(tmp_path / "theirs.csv", sep=";", decimal=",", index=False)  # as Brazilian spreadsheets save it
    for name in ("theirs.csv", "theirs.parquet"):
        found = read_predictions(tmp_path / name).at(dt.date(2024, 6, 30), pd.Series(["2", "1"]))
        assert list(found) == ["theirs"]
        assert found["theirs"][0].tolist() == [1.0, 0.5]
        assert found["theirs"][1] is None


def test_what_is_missing_may_be_nothing() -> None:
    found = read_predictions(GOOD.iloc[1:], missing="zero").at(dt.date(2024, 6, 30), pd.Series([1, 2]))
    assert found["elsewhere"][0].tolist() == [0.0, 1.0]
    with pytest.raises(InputError, match="names none of the 2 customers"):
        read_predictions(GOOD.assign(customer_id=[8, 9]), missing="zero").at(dt.date(2024, 6, 30), pd.Series([1, 2]))


def test_several_predictors_and_cutoffs_in_one_table() -> None:
    both = [GOOD.assign(predictor=who, cutoff=day) for who in ("one", "two") for day in ("2024-05-31", "2024-06-30")]
    table = pd.concat(both, ignore_index=True)
    table.loc[table["predictor"] == "two", "purchases"] = np.nan
    table["value"] = np.where(table["predictor"] == "two", 7.0, np.nan)
    read = read_predictions(table)
    assert read.cutoffs == [dt.date(2024, 5, 31), dt.date(2024, 6, 30)]
    found = read.at(dt.date(2024, 6, 30), pd.Series([1, 2]))
    assert found["one"][0].tolist() == [0.5, 1.0]
    assert found["one"][1] is None
    assert found["two"][0] is None
    assert found["two"][1].tolist() == [7.0, 7.0]


def test_undated_predictions_are_for_one_cutoff_only(log) -> None:
    table = clv.summarize(log).frame[["customer_id"]].assign(purchases=1.0)
    said = message(log, predictions=table)
    assert "does not say at which cut-off its predictions were made, and there are 6" in said
    assert said.endswith("or judge it at one: --cutoff 1997-12-31.")
    result = clv.backtest(log, predictions=table, families=["nbd"], spends=[], cutoffs=["1997-12-31"], resamples=20)
    assert result.kinds["elsewhere"] == "elsewhere"


def test_dated_predictions_bring_their_cutoffs(log) -> None:
    days = ["1997-09-30", "1997-12-31"]
    frames = [clv.summarize(log, until=day).frame[["customer_id"]].assign(purchases=1.0, cutoff=day) for day in days]
    result = clv.backtest(log, predictions=pd.concat(frames), families=["nbd"], spends=[], resamples=20)
    assert [str(day) for day in result.cutoffs] == days
