from .base import LearningRateSchedule as LearningRateSchedule
