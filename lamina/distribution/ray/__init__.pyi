from .report import Report as Report
from .trainer import trainer as trainer
