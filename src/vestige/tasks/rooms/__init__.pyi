"""Rooms drawn by a small ray-caster, and the task of standing in one and turning."""

from .layout import draw_room as draw_room
from .raycast import FIELD_OF_VIEW as FIELD_OF_VIEW
from .raycast import Room as Room
from .raycast import column_angles as column_angles
from .raycast import render as render
from .rotation import RoomRotation as RoomRotation
from .rotation import Rooms as Rooms
from .turning import AbstractTurning as AbstractTurning
from .turning import RandomTurns as RandomTurns
from .turning import Revolution as Revolution
