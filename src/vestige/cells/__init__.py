"""Recurrences behind one contract."""

from vestige.cells.contract import AbstractCell as AbstractCell
from vestige.cells.lstm import LSTM as LSTM
from vestige.cells.lstm import LSTMState as LSTMState
