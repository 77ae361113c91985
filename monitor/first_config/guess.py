"""Guess what the columns of an unknown prediction log are.

In: a sample of the log's newest rows as an Arrow table. Out: a frozen `Guess` with a reason for every choice.
Kept: nothing. Pure: reading the sample and writing the config are done elsewhere.

Names decide first, values must then agree: a column called `score` that leaves [0, 1] is no probability.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

Task = Literal["binary", "multiclass", "regression"]

ENOUGH_ROWS = 50
"""Fewer sampled rows than this say nothing about how often values repeat."""
NEAR_UNIQUE = 0.9
MANY_CLASSES = 50
LONG_TEXT = 40


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Names in the order of preference: the first that is there and whose values agree is taken.
_TIMESTAMP = _names(
    "timestamp ts event_time prediction_time predicted_at scored_at event_timestamp prediction_timestamp "
    "created_at datetime time_stamp time logged_at inserted_at date"
)
_ID = _names("prediction_id id request_id event_id uuid row_id record_id inference_id")
_VERSION = _names("model_version version model_ver version_id")
_SCORE = _names("score probability proba prob y_score y_prob y_proba predicted_probability prediction_score p")
_PREDICTION = _names(
    "prediction pred y_pred y_hat yhat predicted predicted_class predicted_value prediction_value output"
)
_LABEL = _names("label target y_true y actual actuals outcome truth ground_truth")
# A feature may be called so as well: taken for the truth with a note, and only where there are two values.
_OUTCOME = re.compile(
    r"^(is_|has_|was_)?(fraud(ulent)?|churn(ed)?|late|converted|conversion|click(ed)?|default(ed)?|purchased?|bought|"
    r"returned|refunded|spam|readmitted|survived|approved|repaid|cancell?ed)$"
)
_LABEL_TIME = _names("label_time labelled_at labeled_at label_ts label_timestamp outcome_time outcome_at received_at")
_RUN = _names("run_id batch_id batch_run_id run")
_PRIVATE = {
    "email", "mail", "zip", "zipcode", "postcode", "postal", "ssn", "phone", "telephone", "mobile", "fax", "surname",
    "firstname", "lastname", "fullname", "username", "address", "street", "ip", "dob", "birthdate", "birthday",
    "birth", "iban", "passport", "cardnumber", "taxid", "nationality", "ethnicity", "religion", "gender", "sex",
}  # fmt: skip
_PERSON = {"first", "last", "full", "middle", "maiden", "user", "customer", "client", "person", "patient", "member"}
_POSITIVE_WORDS = ("true", "yes", "y", "positive", "pos", "fraud", "churn", "churned", "late", "bad", "default", "1")
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A column that is not watched, and why."""

    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Guess:
    """What the columns seem to be. `notes` are doubts a person should look at."""

    timestamp: str
    id: str | None
    version: str | None
    score: str | None
    prediction: str | None
    label: str | None
    label_time: str | None
    run: str | None
    task: Task
    positive: str | int | bool
    features: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    private: tuple[LeftOut, ...]
    segments: tuple[str, ...]
    notes: tuple[str, ...]
    rows: int

    @property
    def roles(self) -> dict[str, str]:
        """The columns section: role -> column, those found alone."""
        names = ("timestamp", "id", "version", "score", "prediction", "label", "label_time")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def guess_timestamp(schema: pa.Schema) -> str | None:
    """The column most likely to hold the time of the prediction, from names and types alone."""
    times = [field.name for field in schema if pa.types.is_timestamp(field.type)]
    dates = [field.name for field in schema if pa.types.is_date(field.type)]
    named = [
        field.name
        for field in schema
        if _is_text(field.type) and (field.name.lower() in _TIMESTAMP or field.name.lower().endswith(("_at", "_time")))
    ]
    for candidates in (times, named, dates):
        usable = [name for name in candidates if name.lower() not in _LABEL_TIME]
        if usable:
            return _by_name(usable, _TIMESTAMP) or usable[0]
    return None


def guess(sample: pa.Table, timestamp: str, label: str | None = None, *, labels_apart: bool = False) -> Guess:
    """Guess roles, task and features of `sample`, whose time is in `timestamp`.

    `label` overrules the guess; with `labels_apart` the truth is in a table of its own and none is expected here.
    """
    columns = {name: _Column.of(name, sample.column(name)) for name in sample.column_names}
    taken: set[str] = {timestamp}
    notes: list[str] = []

    def take(names: Iterable[str], fits: Callable[[_Column], bool], suffix: str = r"(?!)") -> str | None:
        free = [column for name, column in columns.items() if name not in taken and fits(column)]
        found = _by_name([column.name for column in free], names)
        if found is None:
            found = next((column.name for column in free if re.search(suffix, column.name.lower())), None)
        if found is not None:
            taken.add(found)
        return found

    identifier = take(
        _ID, lambda column: column.unique, r"(prediction|request|event|transaction|inference)_?(id|uuid)$"
    )
    label_time = take(_LABEL_TIME, lambda column: column.is_time)
    version = take(_VERSION, lambda column: not column.is_float and column.distinct <= MANY_CLASSES, r"model_?version$")
    score = take(_SCORE, lambda column: column.is_probability, r"_(score|proba?|probability)$")
    prediction = take(_PREDICTION, lambda column: not column.is_time, r"^pred(icted|iction)?_|_pred(iction)?$")
    if label is not None:
        taken.add(label)
    else:
        label = take(_LABEL, lambda column: not column.is_time, r"_(label|actual|outcome)$")
        if label is None:
            label = take((), lambda column: column.distinct == 2, _OUTCOME.pattern)
            if label is not None:
                notes.append(f"`{label}` was taken for the truth; if the model gets it as an input, remove `label`")
    run = take(_RUN, lambda column: not column.is_float and not column.unique)

    task = _task(columns, prediction, label)
    if score is not None and task == "multiclass":
        notes.append(f"`{score}` looks like a probability, but there are more than two classes; it is not used")
        score = None
    if score is None and prediction is None:
        likely = [f"`{name}`" for name, column in columns.items() if name not in taken and column.is_probability]
        hint = f"; {', '.join(likely[:3])} could be a probability" if likely else ""
        notes.append(f"no score or prediction was recognised: name one in `columns`{hint}")
        if label is None:
            notes.append(f"nothing tells what the model predicts: `task: {task}` may be wrong")
    if label is None and not labels_apart:
        notes.append("no truth was recognised: without `label` (here, or in `labels`) performance is not judged")
    if identifier is None:
        notes.append("no unique id was recognised: name one in `columns` if labels come later, they are joined by it")
    if sample.num_rows < ENOUGH_ROWS:
        notes.append(f"only {sample.num_rows} rows were there to guess from; look at every line")

    features: list[str] = []
    left_out: list[LeftOut] = []
    private: list[LeftOut] = []
    for name, column in columns.items():
        if name in taken:
            continue
        reason = column.why_not(sample.num_rows)
        if reason is not None:
            left_out.append(LeftOut(name, reason))
            continue
        features.append(name)
        why_private = column.why_private()
        if why_private is not None:
            private.append(LeftOut(name, why_private))
    hidden = {item.column for item in private}
    segments = tuple(
        name for name in features if columns[name].is_text and 2 <= columns[name].distinct <= 12 and name not in hidden
    )
    return Guess(
        timestamp=timestamp,
        id=identifier,
        version=version,
        score=score,
        prediction=prediction,
        label=label,
        label_time=label_time,
        run=run,
        task=task,
        positive=_positive(columns, label or prediction, notes) if task == "binary" else 1,
        features=tuple(features),
        left_out=tuple(left_out),
        private=tuple(private),
        segments=segments[:3],
        notes=tuple(notes),
        rows=sample.num_rows,
    )


@dataclass(frozen=True, slots=True)
class _Column:
    """What the sample says about one column."""

    name: str
    type: pa.DataType
    values: pa.ChunkedArray
    present: int
    distinct: int

    @classmethod
    def of(cls, name: str, values: pa.ChunkedArray) -> _Column:
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        nested = (
            pa.types.is_nested(values.type) or pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type)
        )
        distinct = 0 if nested else pc.count_distinct(values).as_py()
        return cls(name, values.type, values, len(values) - values.null_count, distinct)

    @property
    def is_float(self) -> bool:
        return bool(pa.types.is_floating(self.type) or pa.types.is_decimal(self.type))

    @property
    def is_integer(self) -> bool:
        return bool(pa.types.is_integer(self.type))

    @property
    def is_text(self) -> bool:
        return _is_text(self.type)

    @property
    def is_time(self) -> bool:
        return bool(pa.types.is_temporal(self.type))

    @property
    def unique(self) -> bool:
        """Whether every value is there once; floats repeat seldom by nature and are never ids."""
        return not self.is_float and 0 < self.present == self.distinct

    @property
    def is_probability(self) -> bool:
        if not self.is_float or not self.present:
            return False
        span = pc.min_max(self.values).as_py()
        return float(span["min"]) >= 0 and float(span["max"]) <= 1

    def why_not(self, rows: int) -> str | None:
        """Why the column makes no feature, or None if it makes one."""
        if not self.present:
            return "no values in the sample"
        if pa.types.is_nested(self.type) or not (
            self.is_float or self.is_integer or self.is_text or self.is_time or pa.types.is_boolean(self.type)
        ):
            return f"values of type {self.type} cannot be watched"
        if self.distinct == 1 and self.present == rows > 1:  # there or missing is information of its own
            return "constant in the sample"
        if self.is_time:
            return "a time: it moves on with the clock and would always drift"
        if self.is_float or rows < ENOUGH_ROWS:
            return None
        ratio = self.distinct / self.present
        if self.is_integer and ratio == 1 and self._counts():
            return "a number that never repeats: an id or a counter"
        if self.is_text and ratio > NEAR_UNIQUE:
            return f"near-unique text ({self.distinct} values in {self.present} rows): an id or free text"
        if self.is_text and self._mean_length() > LONG_TEXT and self.distinct > MANY_CLASSES:
            return "free text"
        return self._key(ratio)

    def _counts(self) -> bool:
        """Whether whole numbers that never repeat lie as close as a counter's, or are as large as a random id's."""
        span = pc.min_max(self.values).as_py()
        return bool(span["max"] - span["min"] < 2 * self.present or abs(span["max"]) > 10**12)

    def _key(self, ratio: float) -> str | None:
        named_key = re.search(r"(^|_)(id|uuid|guid)$", self.name.lower()) is not None
        return "named like an id, with many values" if named_key and ratio > 0.1 else None

    def why_private(self) -> str | None:
        """Why the column looks private, or None."""
        words = set(re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.name).lower()))
        found = sorted(words & _PRIVATE)
        if found:
            return f"named like private data: {found[0]}"
        if "name" in words and (words & _PERSON or words == {"name"}):
            return "named like a person's name"
        if self.is_text and self.present:
            emails = pc.sum(pc.match_substring_regex(self.values, _EMAIL)).as_py() or 0
            if emails > self.present / 2:
                return "e-mail addresses"
        return None

    def _mean_length(self) -> float:
        return float(pc.mean(pc.utf8_length(self.values)).as_py() or 0)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _by_name(columns: Iterable[str], names: Iterable[str]) -> str | None:
    lower = {column.lower(): column for column in columns}
    return next((lower[name] for name in names if name in lower), None)


def _task(columns: dict[str, _Column], prediction: str | None, label: str | None) -> Task:
    """What is predicted: told by the predicted value, else by the label, else it is the commonest."""
    for name in (prediction, label):
        if name is None or not columns[name].present:
            continue
        column = columns[name]
        whole = column.is_float and _whole(column)
        if column.distinct <= 2:
            return "binary"
        if (column.is_float and not whole) or column.distinct > MANY_CLASSES:
            return "regression"
        return "multiclass"
    return "binary"


def _whole(column: _Column) -> bool:
    values = column.values.cast(pa.float64())
    return bool(pc.all(pc.equal(pc.floor(values), values)).as_py())


def _positive(columns: dict[str, _Column], name: str | None, notes: list[str]) -> str | int | bool:
    """The value that means the positive class."""
    if name is None:
        return 1
    column = columns[name]
    if not column.is_text:
        return 1
    values = sorted(value for value in pc.unique(column.values).to_pylist() if value is not None)
    for word in _POSITIVE_WORDS:
        for value in values:
            if value.lower() == word:
                return str(value)
    if not values:
        return 1
    rarer = min(values, key=lambda value: pc.sum(pc.equal(column.values, value)).as_py())
    notes.append(f"`positive: {rarer}` is only the rarer value of `{name}`; check that it is the positive class")
    return str(rarer)
