"""Recurrences behind one contract."""

from vestige.cells.contract import AbstractCell as AbstractCell
from vestige.cells.contract import AbstractParallelCell as AbstractParallelCell
from vestige.cells.gru import GRU as GRU
from vestige.cells.linear import LinearRecurrence as LinearRecurrence
from vestige.cells.lstm import LSTM as LSTM
from vestige.cells.lstm import LSTMState as LSTMState
from vestige.cells.remembering import Remembering as Remembering
from vestige.cells.remembering import RememberingState as RememberingState
from vestige.cells.retention import AbstractRetention as AbstractRetention
from vestige.cells.retention import Chrono as Chrono
from vestige.cells.retention import Fixed as Fixed
from vestige.cells.srnn import SRNN as SRNN
from vestige.cells.stacked import Stacked as Stacked
from vestige.cells.tape import Tape as Tape
from vestige.cells.tape import TapeState as TapeState
from vestige.cells.unroll import unroll as unroll
