"""Recurrences behind one contract."""

from .contract import AbstractCell as AbstractCell
from .contract import AbstractParallelCell as AbstractParallelCell
from .gru import GRU as GRU
from .linear import LinearRecurrence as LinearRecurrence
from .lstm import LSTM as LSTM
from .lstm import LSTMState as LSTMState
from .remembering import Remembering as Remembering
from .remembering import RememberingState as RememberingState
from .retention import AbstractRetention as AbstractRetention
from .retention import Chrono as Chrono
from .retention import Fixed as Fixed
from .specs import CellSpec as CellSpec
from .specs import GRUSpec as GRUSpec
from .specs import LinearSpec as LinearSpec
from .specs import LSTMSpec as LSTMSpec
from .specs import RememberingSpec as RememberingSpec
from .specs import SRNNSpec as SRNNSpec
from .specs import TapeSpec as TapeSpec
from .srnn import SRNN as SRNN
from .stacked import Stacked as Stacked
from .tape import Tape as Tape
from .tape import TapeState as TapeState
from .unrolling import unroll as unroll
