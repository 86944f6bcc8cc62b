"""Rooms drawn by a small ray-caster, and the task of standing in one and turning."""

from vestige.tasks.rooms.layout import draw_room as draw_room
from vestige.tasks.rooms.raycast import FIELD_OF_VIEW as FIELD_OF_VIEW
from vestige.tasks.rooms.raycast import Room as Room
from vestige.tasks.rooms.raycast import column_angles as column_angles
from vestige.tasks.rooms.raycast import render as render
from vestige.tasks.rooms.rotation import RoomRotation as RoomRotation
from vestige.tasks.rooms.rotation import Rooms as Rooms
from vestige.tasks.rooms.turning import AbstractTurning as AbstractTurning
from vestige.tasks.rooms.turning import RandomTurns as RandomTurns
from vestige.tasks.rooms.turning import Revolution as Revolution
